/* The rules of --check, a row each: what it compares, how bad it is when that does not hold, the
 * fact behind it, and what mends it. Owns nothing. Never states as a fact what was not measured, or
 * is not documented by those who run the platform. */
#include "config/rules.h"

#define ORIGINS_FACT                                                                               \
    "A page on localhost is whatever the visitor's own machine serves: with such an origin any "   \
    "program there may speak to the chat in the visitor's name."
#define GRACEFUL_FACT                                                                              \
    "On Cloud Run SIGTERM goes to both at once. A request that the server cuts at its graceful "   \
    "timeout (measured) is one that wskeep would have let end."
#define RECYCLING_FACT                                                                             \
    "The worker ends after so many requests, and every WebSocket on it with it, in the middle "    \
    "(measured)."
#define ZERO_FACT                                                                                  \
    "With 0 uvicorn closes right behind each answer without a word of it in the answer "           \
    "(measured): a request that reuses the connection may meet the close."

#define CONF(path)                                                                                 \
    {                                                                                              \
        .kind = "conf", .key = #path                                                               \
    }
#define GUNICORN(flag)                                                                             \
    {                                                                                              \
        .kind = "gunicorn", .key = (flag)                                                          \
    }
#define UVICORN(flag)                                                                              \
    {                                                                                              \
        .kind = "uvicorn", .key = (flag)                                                           \
    }
/* The longest that Cloud Run allows is the advice, whatever was seen. */
#define CLOUD_RUN_REQUEST                                                                          \
    {                                                                                              \
        .kind = "gcloud", .key = "--timeout", .then_key = "platform.request_timeout",              \
        .then_value = "\"1h\""                                                                     \
    }

const struct rule rules[] = {
    {.id = "heartbeat-client",
     .compares = "heartbeat.client is true",
     .broken = RESULT_FAIL,
     .fact =
         "Without pings a chat in which nobody writes is silence on the path, and balancers cut "
         "what is silent.",
     .judge = judge_pinged,
     .of = OF_CLIENT,
     .mend = CONF(heartbeat.client)},
    {.id = "heartbeat-backend",
     .compares = "heartbeat.backend is true",
     .broken = RESULT_WARN,
     .fact = "Without pings a server that is gone without a word is found only when it is next "
             "written to.",
     .judge = judge_pinged,
     .of = OF_BACKEND,
     .mend = CONF(heartbeat.backend)},
    {.id = "heartbeat-timeout",
     .compares = "2 x heartbeat.interval < heartbeat.timeout",
     .broken = RESULT_FAIL,
     .fact = "One pong that is late is no death: a second ping must have gone out before a client "
             "is given up.",
     .judge = judge_pongs,
     .of = OF_CLIENT,
     .mend = CONF(heartbeat.timeout)},
    {.id = "heartbeat-backend-timeout",
     .compares = "2 x heartbeat.interval < heartbeat.backend_timeout",
     .broken = RESULT_FAIL,
     .fact = "One pong that is late is no death; and a server that is busy answers none until it "
             "reads on (measured with uvicorn's wsproto, and aiohttp): 0 leaves it alone.",
     .judge = judge_pongs,
     .of = OF_BACKEND,
     .mend = CONF(heartbeat.backend_timeout)},
    {.id = "heartbeat-idle",
     .compares = "heartbeat.interval < the shortest idle timeout on the path",
     .broken = RESULT_FAIL,
     .fact =
         "What is silent for longer is cut on the path, by some with a clock for each direction. "
         "A ping and its pong in time keep all of them from running out.",
     .judge = judge_idle,
     .mend = CONF(heartbeat.interval)},
    {.id = "connection-least",
     .compares = "timeouts.connection >= 10m",
     .broken = RESULT_FAIL,
     .fact =
         "A server that is busy with an agent's run answers no ping until it reads on (uvicorn's "
         "wsproto, aiohttp): a shorter limit takes it for dead and cuts the run.",
     .judge = judge_connection_least,
     .mend = CONF(timeouts.connection)},
    {.id = "connection-most",
     .compares = "timeouts.connection <= 15m",
     .broken = RESULT_WARN,
     .fact =
         "A side that is gone without a word is held for this long, with all that waits for it. "
         "The one reason to allow more: runs in which the server answers no ping for longer.",
     .judge = judge_connection_most,
     .mend = CONF(timeouts.connection)},
    {.id = "listen-keepalive",
     .compares = "listen.keepalive_timeout > what the balancer keeps",
     .broken = RESULT_FAIL,
     .fact = "Google's balancers reuse an idle connection for 10m, and that cannot be set. Where "
             "wskeep closes first, a request that is on its way meets the close: a 502.",
     .judge = judge_listen_keepalive,
     .mend = CONF(listen.keepalive_timeout)},
    {.id = "request-balancer",
     .compares = "platform.request_timeout >= what the balancer keeps",
     .broken = RESULT_FAIL,
     .fact = "On Cloud Run a WebSocket is one request: it ends at the request timeout (5m unless "
             "set, 1h at most), whatever is pinged.",
     .judge = judge_request_balancer,
     .mend = CLOUD_RUN_REQUEST},
    {.id = "request-longest",
     .compares = "platform.request_timeout >= 1h, the most there is",
     .broken = RESULT_WARN,
     .fact = "On Cloud Run a WebSocket is one request: it ends at the request timeout (5m unless "
             "set, 1h at most), whatever is pinged. Behind it the client must connect anew.",
     .judge = judge_request_longest,
     .mend = CLOUD_RUN_REQUEST},
    {.id = "drain",
     .compares = "timeouts.drain < the platform's 10s",
     .broken = RESULT_FAIL,
     .fact = "Cloud Run sends SIGKILL 10s after SIGTERM: what is not closed by then is cut without "
             "a Close.",
     .judge = judge_drain,
     .mend = CONF(timeouts.drain)},
    {.id = "lameduck",
     .compares = "timeouts.lameduck < timeouts.drain",
     .broken = RESULT_FAIL,
     .fact = "The lame duck's time is a part of the drain's. Where nothing is left of that, every "
             "request under way and every client's queue is cut in the same moment.",
     .judge = judge_lameduck,
     .mend = CONF(timeouts.lameduck)},
    {.id = "reconnect-proof",
     .compares = "heartbeat.backend is true, where reconnect.window is on",
     .broken = RESULT_WARN,
     .fact =
         "A pong is what proves that the server has taken the messages before its ping. Without "
         "pings none is kept to be sent again: what was under way when the server is lost is "
         "lost with it.",
     .judge = judge_proof,
     .of = OF_BACKEND,
     .mend = CONF(heartbeat.backend)},
    {.id = "reconnect-preamble",
     .compares = "reconnect.preamble > 0, where reconnect.state is \"preamble\"",
     .broken = RESULT_WARN,
     .fact = "With 0 a new connection to the server is told nothing, as with \"stateless\".",
     .judge = judge_preamble,
     .mend = CONF(reconnect.preamble)},
    {.id = "answer-reconnect",
     .compares = "reconnect.window is on, where answer.of and answer.by are set",
     .broken = RESULT_WARN,
     .fact =
         "Questions are sent again on a new connection to the server: without one they are kept "
         "for nothing, and answer.attempts has no effect.",
     .judge = judge_answers,
     .mend = CONF(reconnect.window)},
    {.id = "answer-values",
     .compares = "answer.of.values and answer.by.values name something",
     .broken = RESULT_FAIL,
     .fact = "Without values nothing is a question, or no question is ever answered: it is sent "
             "again at each reconnect, up to answer.attempts, and then the session ends.",
     .judge = judge_questions},
    {.id = "buffer-total",
     .compares = "buffer.total >= 2 x buffer.session",
     .broken = RESULT_WARN,
     .fact = "A session may hold buffer.session in each direction: below that one alone can take "
             "all there is, and new WebSockets get 503.",
     .judge = judge_total,
     .mend = CONF(buffer.total)},
    {.id = "readiness-wait",
     .compares = "readiness.wait < what the platform waits for an answer",
     .broken = RESULT_WARN,
     .fact = "What waits for longer is ended by the platform first, with an answer of its own in "
             "place of wskeep's 503.",
     .judge = judge_wait,
     .mend = CONF(readiness.wait)},
    {.id = "probe-period",
     .compares = "probe.period >= backend.handshake_timeout, where probe.path is set",
     .broken = RESULT_WARN,
     .fact = "A probe has failed when the next one is due. A handshake that takes longer fails it, "
             "and is yet one that a user gets.",
     .judge = judge_probe,
     .mend = CONF(probe.period)},
    {.id = "admin",
     .compares = "admin.address is not open to every host",
     .broken = RESULT_WARN,
     .fact = "It asks for no password: every host that reaches this one reads what it says.",
     .judge = judge_admin,
     .mend = CONF(admin.address)},
    {.id = "origins",
     .compares = "origins is set, in production",
     .broken = RESULT_FAIL,
     .fact =
         "A browser lets a page of any site open a WebSocket, with the visitor's cookies: only a "
         "list of the chat's own pages tells them apart.",
     .judge = judge_origins_set},
    {.id = "origins-production",
     .compares = "no localhost in origins, in production",
     .broken = RESULT_FAIL,
     .fact = ORIGINS_FACT,
     .judge = judge_localhost,
     .of = STAGE_PRODUCTION,
     .mend = CONF(origins)},
    {.id = "origins-staging",
     .compares = "no localhost in origins, in staging",
     .broken = RESULT_WARN,
     .fact = ORIGINS_FACT,
     .judge = judge_localhost,
     .of = STAGE_STAGING,
     .mend = CONF(origins)},
    {.id = "backend-known",
     .compares = "what the server is started with is known",
     .broken = RESULT_WARN,
     .fact = "The server's own timeouts are judged where platform.backend_command, or "
             "--backend-command, names gunicorn or uvicorn. A flag that is left out counts as its "
             "default: what gunicorn.conf.py, GUNICORN_CMD_ARGS or UVICORN_... say is not read.",
     .judge = judge_backend_known},
    {.id = "backend-clear",
     .compares = "every word of that is plain",
     .broken = RESULT_WARN,
     .fact =
         "No shell reads this, so variables are not expanded; nor is a --config file read. A rule "
         "whose value cannot be read is left out.",
     .judge = judge_backend_clear},
    {.id = "backend-timeout",
     .compares = "platform.backend_timeout >= what the balancer keeps",
     .broken = RESULT_FAIL,
     .fact =
         "The server ends what the balancer would still carry. Raise it there, then say so here.",
     .judge = judge_backend_timeout,
     .mend = CONF(platform.backend_timeout)},
    {.id = "worker-sync",
     .compares = "gunicorn's --timeout (0: none) >= what the balancer keeps",
     .broken = RESULT_FAIL,
     .fact = "A sync worker is silent while it answers: at --timeout it is killed in the middle of "
             "the request (measured with --timeout 3 and a request of 9s).",
     .judge = judge_worker,
     .of = WORKER_SYNC,
     .mend = GUNICORN("--timeout")},
    {.id = "worker-unknown",
     .compares = "gunicorn's --timeout (0: none) >= what the balancer keeps",
     .broken = RESULT_FAIL,
     .fact = "Nothing is known of this worker class. If it is silent while it answers, as sync is, "
             "it is killed at --timeout in the middle of the request.",
     .judge = judge_worker,
     .of = WORKER_UNKNOWN,
     .mend = GUNICORN("--timeout")},
    {.id = "worker-gthread",
     .compares = "gunicorn's --timeout (0: none) >= what the balancer keeps",
     .broken = RESULT_WARN,
     .fact =
         "gthread reports from its main thread, beside the requests: measured with --timeout 3, a "
         "request of 9s lives on. Only a main thread that is blocked for longer is killed.",
     .judge = judge_worker,
     .of = WORKER_GTHREAD,
     .mend = GUNICORN("--timeout")},
    {.id = "worker-green",
     .compares = "gunicorn's --timeout (0: none) >= what the balancer keeps",
     .broken = RESULT_WARN,
     .fact =
         "This class reports from its hub or loop, not from a request, as gunicorn's source has it "
         "(not measured). Only one that is blocked for longer is killed, with every connection.",
     .judge = judge_worker,
     .of = WORKER_GREEN,
     .mend = GUNICORN("--timeout")},
    {.id = "worker-uvicorn",
     .compares = "gunicorn's --timeout (0: none) >= what the balancer keeps",
     .broken = RESULT_WARN,
     .fact =
         "UvicornWorker reports from its event loop: measured with --timeout 3, an idle WebSocket "
         "and a request of 9s both live on. Only an event loop that is blocked for longer is "
         "killed, with every session on it.",
     .judge = judge_worker,
     .of = WORKER_UVICORN,
     .mend = GUNICORN("--timeout")},
    {.id = "worker-room",
     .compares = "gunicorn's workers hold many connections each",
     .broken = RESULT_WARN,
     .fact =
         "One WebSocket takes all of a sync worker, and ends at --timeout, or the one thread of a "
         "gthread worker. --threads above 1 makes sync gthread; an ASGI application wants "
         "uvicorn.workers.UvicornWorker (sync answers it with 500: measured).",
     .judge = judge_worker_room,
     .mend = GUNICORN("--threads")},
    {.id = "keep-alive",
     .compares = "backend.keepalive_timeout < the server's keep-alive",
     .broken = RESULT_FAIL,
     .fact = "Where the server closes an idle connection first, a request that reuses it meets the "
             "close.",
     .judge = judge_keep_alive,
     .mend = CONF(backend.keepalive_timeout)},
    {.id = "gunicorn-keep-alive",
     .compares = "UvicornWorker's keep-alive is not 0",
     .broken = RESULT_WARN,
     .fact = ZERO_FACT,
     .judge = judge_kept,
     .of = FLAG_KEEP_ALIVE,
     .mend = GUNICORN("--keep-alive")},
    {.id = "uvicorn-keep-alive",
     .compares = "uvicorn's keep-alive is not 0",
     .broken = RESULT_WARN,
     .fact = ZERO_FACT,
     .judge = judge_kept,
     .of = FLAG_UVICORN_KEEP_ALIVE,
     .mend = UVICORN("--timeout-keep-alive")},
    {.id = "gunicorn-graceful",
     .compares = "gunicorn's --graceful-timeout >= timeouts.drain",
     .broken = RESULT_WARN,
     .fact = GRACEFUL_FACT,
     .judge = judge_graceful,
     .of = FLAG_GRACEFUL,
     .mend = GUNICORN("--graceful-timeout")},
    {.id = "uvicorn-graceful",
     .compares = "uvicorn's --timeout-graceful-shutdown >= timeouts.drain",
     .broken = RESULT_WARN,
     .fact = GRACEFUL_FACT,
     .judge = judge_graceful,
     .of = FLAG_UVICORN_GRACEFUL,
     .mend = UVICORN("--timeout-graceful-shutdown")},
    {.id = "gunicorn-restart",
     .compares =
         "reconnect.window >= gunicorn's --graceful-timeout + 10s for the application to start",
     .broken = RESULT_WARN,
     .fact =
         "The worker that takes the place of one that ends begins only when that one is gone, as "
         "gunicorn's source has it (not measured): it may take so long. A client whose window "
         "ends before gets a Close 1013.",
     .judge = judge_restart,
     .mend = CONF(reconnect.window)},
    {.id = "gunicorn-recycling",
     .compares = "gunicorn's --max-requests is 0",
     .broken = RESULT_WARN,
     .fact = RECYCLING_FACT,
     .judge = judge_gunicorn_recycling,
     .mend = GUNICORN("--max-requests")},
    {.id = "uvicorn-recycling",
     .compares = "uvicorn has no --limit-max-requests",
     .broken = RESULT_WARN,
     .fact = RECYCLING_FACT,
     .judge = judge_uvicorn_recycling,
     .mend = UVICORN("--limit-max-requests")},
};
const unsigned rules_count = sizeof(rules) / sizeof(*rules);
