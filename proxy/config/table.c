/* The settings: every fact about each of them stands in one row here, and nowhere else.
 *
 * Owns no memory. Never reads a file, and never judges one setting by another. */
#include "config/table.h"
#include "base/err.h"
#include "base/log.h"
#include "config/quantity.h"
#include <ctype.h>
#include <string.h>

#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define KIB    1024u
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

#define SESSION_LEAST (256 * KIB) /* of buffer.session */

#define STORAGE_BIND     struct address
#define STORAGE_DIAL     struct address
#define STORAGE_DURATION uint64_t
#define STORAGE_SIZE     uint64_t
#define STORAGE_COUNT    uint64_t
#define STORAGE_BOOL     bool
#define STORAGE_WORD     unsigned
#define STORAGE_TEXT     char *
#define STORAGE_PATH     char *
#define STORAGE_JSON     char *
#define STORAGE_TEXTS    struct strings
#define STORAGE_NETWORKS struct strings
#define STORAGE_ORIGINS  struct strings
#define STORAGE_PLACES   struct strings
#define STORAGE_CODES    struct strings

static const char *const reconnect_states[] = {
    [STATE_AUTO] = "auto",
    [STATE_STATELESS] = "stateless",
    [STATE_PREAMBLE] = "preamble",
    [STATE_CONNECTION] = "connection",
    NULL,
};
static const char *const reconnect_replays[] = {
    [REPLAY_UNACKED] = "unacked",
    [REPLAY_UNSENT] = "unsent",
    NULL,
};

/* _Generic has one branch, so that a row whose type is not that of its field does not compile. */
#define ROW(field, kind, when, ...)                                                                \
    {                                                                                              \
        .path = #field, .offset = offsetof(struct conf, field),                                    \
        .type = _Generic(((struct conf *)0)->field, STORAGE_##kind                                 \
                         : SETTING_##kind),                                                        \
        .reload = RELOAD_##when, __VA_ARGS__                                                       \
    }

/* Least times are short so that tests can run scaled down. The rows of a group stand together,
 * those of the groups within it last. */
const struct setting settings[] = {
    ROW(listen.address, BIND, NEW, .initial = "0.0.0.0:8080", .kept = "PORT",
        .doc = "Where clients connect. Port 0 is one of the kernel's choice; the log says which."),
    ROW(listen.keepalive_timeout, DURATION, NEW, .initial = "620s", .least = 50, .most = 24 * HOUR,
        .doc = "How long an idle HTTP connection is kept. It must outlast the load balancer's own "
               "limit (Google's: 600s), or requests race with the close."),
    ROW(listen.header_timeout, DURATION, NEW, .initial = "10s", .least = 50, .most = HOUR,
        .doc = "How long a client may take to send a request's head."),
    ROW(listen.body_timeout, DURATION, NEW, .initial = "0", .least = 50, .most = 24 * HOUR,
        .zero = "off", .doc = "How long a request's body may stand still."),
    ROW(listen.trusted, NETWORKS, NEW, .initial = "*",
        .doc = "Peers whose X-Forwarded-Proto and X-Forwarded-Host are believed. The default suits "
               "a place behind a load balancer. Unix socket peers always are."),
    ROW(listen.health, PATH, NEW, .initial = "", .zero = "off",
        .doc = "A path at which wskeep itself answers as /readyz of the admin listener does, with "
               "200 or 503, for probes that cannot reach that. Requests for it do not go on to the "
               "server."),

    ROW(backend.address, DIAL, NEW, .initial = "127.0.0.1:8000",
        .doc = "The server that everything is passed on to."),
    ROW(backend.connect_timeout, DURATION, NEW, .initial = "5s", .least = 50, .most = HOUR,
        .doc = "How long connecting may take, all the addresses of a name together."),
    ROW(backend.handshake_timeout, DURATION, NEW, .initial = "30s", .least = 50, .most = HOUR,
        .doc = "How long the backend may take to answer a WebSocket handshake."),
    ROW(backend.keepalive_timeout, DURATION, NEW, .initial = "1s", .least = 50, .most = HOUR,
        .doc =
            "How long an idle HTTP connection to the backend is kept for reuse. It must be shorter "
            "than the backend's own limit (gunicorn's: 2s)."),
    ROW(backend.response_timeout, DURATION, NEW, .initial = "0", .least = 50, .most = 24 * HOUR,
        .zero = "off",
        .doc =
            "How long the backend may take to begin its answer to an HTTP request; then the client "
            "gets 504."),

    ROW(heartbeat.interval, DURATION, NEW, .initial = "25s", .least = 50, .most = HOUR,
        .kept = "WEBSOCKET_HEARTBEAT_INTERVAL",
        .doc =
            "A WebSocket is pinged when nothing was heard on it, or nothing sent, for this long. "
            "It must be shorter than every idle timeout on the path."),
    ROW(heartbeat.timeout, DURATION, NEW, .initial = "75s", .least = 50, .most = 24 * HOUR,
        .kept = "WEBSOCKET_HEARTBEAT_TIMEOUT",
        .doc =
            "A client that owes the answer to a ping and gives no other sign of life for this long "
            "is taken for dead."),
    ROW(heartbeat.backend_timeout, DURATION, NEW, .initial = "0", .least = 50, .most = 24 * HOUR,
        .zero = "off",
        .doc =
            "The same for the backend. Off: a busy application answers no ping until it reads on, "
            "and to cut it would kill the very run that is to be kept; timeouts.connection holds."),
    ROW(heartbeat.client, BOOL, NEW, .initial = "true", .doc = "Whether clients are pinged."),
    ROW(heartbeat.backend, BOOL, NEW, .initial = "true", .doc = "Whether the backend is pinged."),

    ROW(timeouts.connection, DURATION, NEW, .initial = "15m", .least = 50, .most = 24 * HOUR,
        .zero = "off", .kept = "WEBSOCKET_CONNECTION_TIMEOUT",
        .doc = "A side of a WebSocket that gives no sign of life at all for this long is taken for "
               "dead, whatever the reason: neither a byte of it, nor one of ours that it takes."),
    ROW(timeouts.idle, DURATION, NEW, .initial = "0", .least = 50, .most = 24 * HOUR, .zero = "off",
        .doc = "A WebSocket without a message either way for this long is closed. Pings and pongs "
               "do not count, nor does a reconnect; a message that waits for the backend does."),
    ROW(timeouts.cleanup, DURATION, LIVE, .initial = "3m", .least = 50, .most = HOUR,
        .kept = "WEBSOCKET_CLEANUP_INTERVAL",
        .doc = "How often memory that is not needed is given back, and a line that sums up is "
               "logged; one more is the last of a drain. What is due ends in time without it."),
    ROW(timeouts.close, DURATION, NEW, .initial = "10s", .least = 50, .most = HOUR,
        .doc = "How long the answer to a WebSocket Close is waited for."),
    ROW(timeouts.lameduck, DURATION, LIVE, .initial = "0", .least = 50, .most = HOUR, .zero = "off",
        .doc = "After SIGTERM: how long everything is served as before, new connections too, while "
               "/readyz fails already: as long as a balancer needs to see that and to send nobody "
               "more (Kubernetes: 5s or so). It is a part of timeouts.drain, and must be shorter."),
    ROW(timeouts.drain, DURATION, LIVE, .initial = "9s", .least = 50, .most = HOUR,
        .doc =
            "After SIGTERM: how long it may take until the process has ended. Running requests are "
            "finished; WebSocket clients get what is queued for them and a Close 1012 (service "
            "restart), spread over the first half of the time; at nine tenths of it what is left "
            "is "
            "cut. It must be shorter than the platform's patience (Cloud Run's: 10s)."),

    ROW(reconnect.window, DURATION, NEW, .initial = "1m", .least = 50, .most = HOUR, .zero = "off",
        .doc = "How long a new connection to the backend is tried for when one is lost beneath a "
               "client that is still there; then the client gets a Close 1013 (try again later). "
               "It must outlast a restart of the server."),
    ROW(reconnect.state, WORD, NEW, .initial = "auto", .words = reconnect_states,
        .doc =
            "What the backend keeps for each connection. \"stateless\": nothing but the handshake, "
            "so that a new connection takes the place of a lost one unnoticed. \"preamble\": what "
            "the client's first messages say (reconnect.preamble). \"connection\": more than "
            "that, so once the backend has taken a message the client gets a Close 1012 (service "
            "restart) and connects anew. \"auto\" takes it for \"connection\" where the path, the "
            "subprotocol or a binary message says so, else for \"stateless\"."),
    ROW(reconnect.stateful, PLACES, NEW, .initial = "",
        .doc = "Beginnings of paths, and subprotocols, for which \"auto\" means \"connection\", "
               "beside those that wskeep knows (Socket.IO, graphql-ws, MQTT and more)."),
    ROW(reconnect.preamble, COUNT, NEW, .initial = "0", .least = 0, .most = 100,
        .doc = "How many of a client's first messages (a login) a new backend connection is told "
               "before all else. Only where reconnect.state is \"preamble\"."),
    ROW(reconnect.replay, WORD, NEW, .initial = "unacked", .words = reconnect_replays,
        .doc = "Which messages a new backend connection gets again. \"unacked\": all that the lost "
               "one is not proven to have taken, so none is lost, and one may come twice. "
               "\"unsent\": those alone that were never sent whole, so none comes twice, and one "
               "may be lost."),
    ROW(reconnect.backoff_min, DURATION, NEW, .initial = "100ms", .least = 10, .most = 10 * MINUTE,
        .doc = "The longest wait before the second attempt to connect. It doubles with each "
               "attempt; the wait itself is drawn by lot, so that sessions do not come all at "
               "once."),
    ROW(reconnect.backoff_max, DURATION, NEW, .initial = "5s", .least = 10, .most = 10 * MINUTE,
        .doc = "The longest wait between two attempts; less where the backend is found ready "
               "meanwhile. At least reconnect.backoff_min."),
    ROW(reconnect.poison, COUNT, NEW, .initial = "2", .least = 1, .most = 100,
        .doc = "After so many losses of the backend in a row, each soon after the same message was "
               "the first to be sent, that message is held to be the cause: the client gets a "
               "Close 1011 (internal error) and the message is not sent again."),
    ROW(reconnect.probation, DURATION, NEW, .initial = "5s", .least = 50, .most = HOUR,
        .doc = "A Close 1008 (policy violation) this soon after a reconnect is taken to mean that "
               "the handshake is too old (a token has expired): the client gets a Close 1012 "
               "instead, and comes again with a fresh one."),
    ROW(reconnect.codes, CODES, NEW, .initial = "", .least = 1000, .most = 4999,
        .doc = "Codes of the application's own whose Close is no last word: after one of them the "
               "backend is reconnected to, and the client hears nothing of it."),
    ROW(reconnect.greeting, COUNT, NEW, .initial = "pass", .least = 1, .most = 100, .zero = "pass",
        .doc = "What becomes of the messages with which the backend greets a new connection when "
               "it takes the place of a lost one: they are passed on, or the first so many are "
               "dropped."),
    ROW(reconnect.notice, JSON, NEW, .initial = "", .zero = "none",
        .doc = "A message that the client gets at each reconnect, for frontends that want to know "
               "of it."),
    ROW(reconnect.never, TEXTS, NEW, .initial = "",
        .doc = "Keys in the query of a handshake's URL that say that it can be used but once (a "
               "ticket): its backend is never reconnected to."),

    ROW(answer.key, TEXT, NEW, .initial = "", .zero = "any answer is for the oldest question",
        .doc = "The JSON field that a question and its answer have in common, such as "
               "\"thread_id\"."),
    ROW(answer.attempts, COUNT, NEW, .initial = "2", .least = 1, .most = 100,
        .doc = "How many times a question may be sent again; when the backend is lost once more, "
               "the client gets a Close 1011 (internal error)."),
    ROW(answer.bytes, SIZE, NEW, .initial = "64KiB", .least = KIB, .most = 64 * MIB,
        .doc = "What the questions of one session that wait for their answers may take."),
    ROW(answer.of.field, TEXT, NEW, .initial = "", .zero = "off",
        .doc = "The JSON field that tells a question, such as \"type\"."),
    ROW(answer.of.values, TEXTS, NEW, .initial = "",
        .doc = "What stands in that field of a question, such as \"user_message\"."),
    ROW(answer.by.field, TEXT, NEW, .initial = "", .zero = "off",
        .doc = "The JSON field that tells an answer, such as \"type\"."),
    ROW(answer.by.values, TEXTS, NEW, .initial = "",
        .doc = "What stands in that field of an answer, such as \"agent_completed\" and "
               "\"error\"."),

    /* Under two fragments of 64 KiB and their heads nothing would move. */
    ROW(buffer.session, SIZE, NEW, .initial = "1MiB", .least = SESSION_LEAST, .most = GIB,
        .doc = "What one WebSocket session may hold in each direction; at the limit wskeep stops "
               "reading from the sender."),
    ROW(buffer.total, SIZE, LIVE, .initial = "256MiB", .least = 2 * SESSION_LEAST,
        .most = 1024ull * GIB,
        .doc = "What all of them may hold together. At the limit what is kept only to be sent "
               "again is given up, then sessions whose backend is away end with 1013, the oldest "
               "first, then new WebSockets get 503; those that have a backend stay."),

    ROW(readiness.http, PATH, NEW, .initial = "", .zero = "off",
        .doc = "A path of the server's that answers 2xx once it is ready. Without it a GET of / is "
               "sent, and any answer but 502, 503 and 504 will do."),
    ROW(readiness.websocket, PATH, NEW, .initial = "", .zero = "off",
        .doc = "A path at which the server takes a WebSocket once it is ready. It is asked instead "
               "of the GET."),
    ROW(readiness.wait, DURATION, NEW, .initial = "30s", .least = 50, .most = HOUR,
        .doc = "How long requests and WebSockets wait for a server that is not ready; then they "
               "get 503."),
    ROW(readiness.interval, DURATION, NEW, .initial = "1s", .least = 50, .most = HOUR,
        .doc = "How often the server is asked until it is ready. Then it is asked no more, unless "
               "it cannot be reached."),

    ROW(probe.path, PATH, LIVE, .initial = "", .zero = "off",
        .doc = "A path at which the server takes a WebSocket, for the deep health check: again and "
               "again wskeep connects to itself as a client does, and the server's WebSocket has "
               "to take the handshake and answer a ping. What has come of it is at "
               "/healthz/websocket. What the server says there goes nowhere; it is to wait for "
               "messages, since some (aiohttp) answer a ping only then. It sees a client come and "
               "go: where each one makes it start something (a greeting by an agent, say) or is "
               "counted, give it a path for this alone."),
    ROW(probe.period, DURATION, LIVE, .initial = "30s", .least = 50, .most = HOUR,
        .doc = "How often that is done, and how long it may take. Each counts in gunicorn's "
               "--max-requests."),

    ROW(platform.lb_timeout, DURATION, LIVE, .initial = "0", .least = SECOND, .most = 12 * HOUR,
        .zero = "unknown: --check assumes Google's 10m",
        .doc = "How long the load balancer keeps a connection on which nothing moves. Has no "
               "effect but on --check."),
    ROW(platform.request_timeout, DURATION, LIVE, .initial = "0", .least = SECOND,
        .most = 24 * HOUR, .zero = "unknown: --check assumes Cloud Run's 5m",
        .doc = "When the platform ends a request, and a WebSocket too, whatever moves on it. Has "
               "no effect but on --check."),
    ROW(platform.backend_timeout, DURATION, LIVE, .initial = "0", .least = SECOND,
        .most = 24 * HOUR, .zero = "unknown",
        .doc = "When the server itself ends a request, or a WebSocket on which nothing moves, "
               "where its command line does not say it. Has no effect but on --check."),
    ROW(platform.backend_command, TEXT, LIVE, .initial = "", .zero = "unknown",
        .doc = "What the server is started with: --check reads the timeouts of gunicorn and "
               "uvicorn from it. Nothing is started. Has no effect but on --check."),

    ROW(limits.connections, COUNT, LIVE, .initial = "16384", .least = 1, .most = 1048576,
        .doc =
            "How many client connections may be open; others wait to be accepted. Lowered, with a "
            "line in the log, to what the limit on file descriptors allows."),
    ROW(limits.connecting, COUNT, LIVE, .initial = "64", .least = 1, .most = 65536,
        .doc = "How many WebSockets of one worker may be connecting to the backend at a time; "
               "others wait for their turn. It spares a server that has just started."),
    ROW(limits.head, SIZE, NEW, .initial = "64KiB", .least = KIB, .most = MIB,
        .doc = "The longest head: a longer one gives 431 for a request, 502 for an answer."),

    ROW(admin.address, BIND, LIVE, .initial = "127.0.0.1:9901", .zero = "off",
        .doc = "Where health and metrics are served. It asks for no password: keep it private."),

    ROW(log.format, WORD, LIVE, .initial = "text", .words = log_formats,
        .doc = "How log lines are written: for people, or for programs."),
    ROW(log.level, WORD, LIVE, .initial = "info", .words = log_levels,
        .doc = "The least important lines that are still written."),
    ROW(log.project, TEXT, LIVE, .initial = "", .zero = "the log's own",
        .kept = "GOOGLE_CLOUD_PROJECT",
        .doc = "The Google Cloud project that has the traces which requests name, so that Cloud "
               "Logging shows a line beside its trace. Only where log.format is json."),

    ROW(origins, ORIGINS, LIVE, .initial = "",
        .doc = "Where pages must come from whose scripts may open a WebSocket; others get 403. "
               "Empty: anywhere. \"*.\" stands for one label. A client that sends no Origin (a "
               "program, no browser) is let in; plain HTTP is not asked."),
    ROW(workers, COUNT, RESTART, .initial = "1", .least = 1, .most = 256, .zero = "auto",
        .doc =
            "Threads that carry traffic, each about 100,000 messages a second. \"auto\" is one for "
            "each CPU that the cgroup gives."),
};
const unsigned settings_count = sizeof(settings) / sizeof(*settings);

const struct group groups[] = {
    {"listen", "The side of the clients."},
    {"backend", "The side of the server."},
    {"heartbeat", "Pings that keep WebSockets alive and find dead ones."},
    {"timeouts", "How long endings may take."},
    {"reconnect", "What happens to a WebSocket whose backend is lost while its client is there."},
    {"answer", "Questions that are kept until they are answered, and sent again when the backend "
               "is lost before that. Off unless answer.of and answer.by are set."},
    {"answer.of", "Which messages of a client are questions."},
    {"answer.by", "Which messages of the backend are answers."},
    {"buffer", "Memory for messages."},
    {"readiness", "How wskeep learns that the server can be given traffic."},
    {"probe", "A health check that goes all the way, off unless probe.path is set."},
    {"platform", "What the path around wskeep is like: said here for --check alone."},
    {"limits", "How much wskeep takes on."},
    {"admin", "A listener for probes and monitoring, apart from the traffic."},
    {"log", "Log lines go to standard error."},
    {"", "What stands at the top level of the file."},
};
const unsigned groups_count = sizeof(groups) / sizeof(*groups);

const struct setting *setting_find(const char *path)
{
    for (unsigned i = 0; i < settings_count; i++)
        if (strcmp(settings[i].path, path) == 0)
            return &settings[i];
    return NULL;
}

void setting_variable(const struct setting *s, struct buf *out)
{
    buf_adds(out, SETTING_PREFIX);
    for (const char *p = s->path; *p != '\0'; p++) {
        char c = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
        buf_add(out, &c, 1);
    }
}

struct str setting_group(const struct setting *s)
{
    const char *dot = strrchr(s->path, '.');
    return (struct str){s->path, dot ? (size_t)(dot - s->path) : 0};
}

const struct group *group_find(struct str path)
{
    for (unsigned i = 0; i < groups_count; i++)
        if (str_eq(path, groups[i].path))
            return &groups[i];
    return NULL;
}

struct str setting_name(const struct setting *s, struct str group)
{
    const char *name = s->path;
    if (group.n > 0) {
        if (strncmp(s->path, group.p, group.n) != 0 || s->path[group.n] != '.')
            return STR("");
        name += group.n + 1;
    }
    return (struct str){name, strcspn(name, ".")};
}

void group_names(struct str path, struct buf *out)
{
    struct str names[sizeof(settings) / sizeof(*settings)];
    unsigned n = 0;
    for (unsigned i = 0; i < settings_count; i++) {
        struct str name = setting_name(&settings[i], path);
        bool again =
            n > 0 && name.n == names[n - 1].n && memcmp(name.p, names[n - 1].p, name.n) == 0;
        if (name.n > 0 && !again)
            names[n++] = name;
    }
    for (unsigned i = 0; i < n; i++)
        alternative_add(out, i, n, names[i]);
}

#define NEAR_MAX 64 /* longer than every path */

/* Levenshtein's distance to a path of ours, row by row. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(b);
    BUG_ON(n >= NEAR_MAX);
    unsigned row[NEAR_MAX];
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned swapped = diagonal + (a[i] != b[j]);
            unsigned shorter = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = swapped < shorter ? swapped : shorter;
        }
    }
    return row[n];
}

const char *setting_near(const char *path)
{
    const char *dot = strrchr(path, '.'), *near = NULL;
    /* One slip for every three letters of the name; the groups before it do not count. */
    unsigned best = (unsigned)strlen(dot ? dot + 1 : path) / 3 + 1;
    if (strlen(path) >= NEAR_MAX) /* spares the comparing of what cannot be near */
        return NULL;
    for (unsigned i = 0; i < settings_count + groups_count; i++) {
        const char *known = i < settings_count ? settings[i].path : groups[i - settings_count].path;
        unsigned d = distance(path, known);
        if (d < best && *known != '\0') { /* the top level has no name that one could mean */
            best = d;
            near = known;
        }
    }
    return near;
}
