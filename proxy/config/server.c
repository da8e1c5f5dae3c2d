/* Reads the command line of gunicorn or uvicorn. Owns the values of the flags that were given.
 *
 * Never starts anything, and never looks into gunicorn.conf.py or the environment. */
#include "config/server.h"

#include "base/mem.h"
#include "config/quantity.h"
#include "config/words.h"
#include <stdlib.h>
#include <string.h>

#define CMD_ARGS "GUNICORN_CMD_ARGS="

static const struct {
    const char *name, *letter, *initial;
    enum server_kind kind;
    bool number;
} flags[FLAG_COUNT] = {
#define X(id, server, name, letter, initial, number)                                               \
    {name, letter, initial, SERVER_##server, number},
    FLAG_MAP(X)
#undef X
};

static const struct {
    const char *name;
    enum server_kind kind;
} programs[] = {
    {"gunicorn", SERVER_GUNICORN},
    {"gunicorn.app.wsgiapp", SERVER_GUNICORN}, /* python -m */
    {"uvicorn", SERVER_UVICORN},
};

static const struct {
    const char *name;
    enum worker_class worker;
} classes[] = {
    {"sync", WORKER_SYNC},
    {"gunicorn.workers.sync.SyncWorker", WORKER_SYNC},
    {"gthread", WORKER_GTHREAD},
    {"gunicorn.workers.gthread.ThreadWorker", WORKER_GTHREAD},
    {"gevent", WORKER_GREEN},
    {"gevent_wsgi", WORKER_GREEN},
    {"gevent_pywsgi", WORKER_GREEN},
    {"gunicorn.workers.ggevent.GeventWorker", WORKER_GREEN},
    {"eventlet", WORKER_GREEN},
    {"gunicorn.workers.geventlet.EventletWorker", WORKER_GREEN},
    {"tornado", WORKER_GREEN},
    {"gunicorn.workers.gtornado.TornadoWorker", WORKER_GREEN},
    {"uvicorn.workers.UvicornWorker", WORKER_UVICORN},
    {"uvicorn.workers.UvicornH11Worker", WORKER_UVICORN},
    {"uvicorn_worker.UvicornWorker", WORKER_UVICORN},
    {"uvicorn_worker.UvicornH11Worker", WORKER_UVICORN},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- reading */

static enum server_kind program_find(const char *word)
{
    const char *slash = strrchr(word, '/');
    for (size_t i = 0; i < COUNT(programs); i++)
        if (strcmp(slash ? slash + 1 : word, programs[i].name) == 0)
            return programs[i].kind;
    return SERVER_OTHER;
}

static bool is_operator(const char *word)
{
    static const char *const operators[] = {"&&", "||", ";", "&", "|"};
    for (size_t i = 0; i < COUNT(operators); i++)
        if (strcmp(word, operators[i]) == 0)
            return true;
    return false;
}

static void say_unclear(struct server *s, const char *what, const char *value)
{
    if (s->unclear)
        return;
    struct buf text = {0};
    buf_addf(&text, "%s%s%s", what, *what ? " " : "", value);
    buf_add(&text, "", 1);
    s->unclear = (char *)text.data;
}

static bool is_clear(enum flag f, const char *value)
{
    struct str text = str_of(value);
    uint64_t n;
    if (strpbrk(value, "$`"))
        return false;
    return !flags[f].number || (digits_parse(&text, &n) == 0 && text.n == 0);
}

static void flag_set(struct server *s, enum flag f, const char *value)
{
    free(s->flags[f]);
    s->flags[f] = mem_strdup(value ? value : "");
    if (!value)
        say_unclear(s, flags[f].name, "without a value");
    else if (!is_clear(f, value))
        say_unclear(s, flags[f].name, value);
}

/* Whether the word is the flag; then *rest is what of its value stands in the same word, or NULL.
 * "-t=120" is "-t120", as Python's argparse has it. */
static bool flag_matches(enum flag f, const char *word, const char **rest)
{
    const char *letter = flags[f].letter;
    size_t n = strlen(flags[f].name);
    *rest = NULL;
    if (strncmp(word, flags[f].name, n) == 0 && (word[n] == '\0' || word[n] == '=')) {
        *rest = word[n] == '=' ? word + n + 1 : NULL;
        return true;
    }
    if (!letter || strncmp(word, letter, 2) != 0)
        return false;
    if (word[2] != '\0')
        *rest = word + 2 + (word[2] == '=');
    return true;
}

/* The words of `w` from the ith on, up to the end of the command. */
static void flags_read(struct server *s, const struct words *w, unsigned i)
{
    for (; i < w->n && !is_operator(w->v[i]); i++) {
        const char *value;
        unsigned f = 0;
        while (f < FLAG_COUNT && (flags[f].kind != s->kind || !flag_matches(f, w->v[i], &value)))
            f++;
        if (f == FLAG_COUNT)
            continue;
        if (!value && i + 1 < w->n && !is_operator(w->v[i + 1]))
            value = w->v[++i];
        flag_set(s, f, value);
    }
}

/* The one flag of the environment's that can stand in a command line. Flags behind the program win
 * over it. */
static void cmd_args_read(struct server *s, const char *assignment)
{
    struct words w;
    words_init(&w, str_of(assignment + strlen(CMD_ARGS)));
    flags_read(s, &w, 0);
    words_fini(&w);
}

static void program_read(struct server *s, const struct words *w, unsigned first, unsigned program)
{
    for (unsigned i = first; i < program && s->kind == SERVER_GUNICORN; i++)
        if (strncmp(w->v[i], CMD_ARGS, strlen(CMD_ARGS)) == 0)
            cmd_args_read(s, w->v[i]);
    flags_read(s, w, program + 1);
}

/* What goes before the program (env, exec, python -m, cd /app &&) does not matter. Where several
 * commands name one, as in "pip install gunicorn && gunicorn ...", the last is the server. */
static void command_read(struct server *s, const struct words *w)
{
    unsigned first = 0, program = 0;
    bool found = false;
    for (unsigned i = 0, begin = 0; i < w->n; i++) {
        if (is_operator(w->v[i])) {
            begin = i + 1;
        } else if (program_find(w->v[i]) != SERVER_OTHER && (!found || begin > program)) {
            first = begin;
            program = i;
            found = true;
        }
    }
    s->kind = found ? program_find(w->v[program]) : SERVER_OTHER;
    if (found)
        program_read(s, w, first, program);
}

void server_init(struct server *s, const char *command)
{
    struct words w;
    *s = (struct server){0};
    words_init(&w, str_of(command));
    if (w.n > 0)
        command_read(s, &w);
    if (w.open)
        say_unclear(s, "", "a quote that is not closed");
    if (s->flags[FLAG_CONFIG])
        say_unclear(s, "--config", s->flags[FLAG_CONFIG]);
    if (w.expands)
        say_unclear(s, "", w.expands);
    words_fini(&w);
}

void server_fini(struct server *s)
{
    for (unsigned f = 0; f < FLAG_COUNT; f++)
        free(s->flags[f]);
    free(s->unclear);
    *s = (struct server){0};
}

/* ---- what was read */

bool server_given(const struct server *s, enum flag f)
{
    return s->flags[f] != NULL;
}

/* Whether its value is known: with --config, what is not in the command line may be in that file.
 */
static bool is_known(const struct server *s, enum flag f)
{
    return s->kind == flags[f].kind && (s->flags[f] || !s->flags[FLAG_CONFIG]);
}

static const char *flag_text(const struct server *s, enum flag f)
{
    return s->flags[f] ? s->flags[f] : flags[f].initial;
}

bool server_number(const struct server *s, enum flag f, uint64_t *n)
{
    struct str text = str_of(flag_text(s, f));
    return is_known(s, f) && digits_parse(&text, n) == 0 && text.n == 0;
}

/* gunicorn makes a sync worker with threads a gthread one. */
enum worker_class server_worker(const struct server *s)
{
    const char *name = flag_text(s, FLAG_WORKER_CLASS);
    enum worker_class worker = WORKER_UNKNOWN;
    uint64_t threads = 0;
    if (!is_known(s, FLAG_WORKER_CLASS) || *name == '\0' || !is_clear(FLAG_WORKER_CLASS, name))
        return WORKER_UNCLEAR;
    for (size_t i = 0; i < COUNT(classes); i++)
        if (strcmp(name, classes[i].name) == 0)
            worker = classes[i].worker;
    if (worker != WORKER_SYNC)
        return worker;
    if (!server_number(s, FLAG_THREADS, &threads))
        return WORKER_UNCLEAR;
    return threads > 1 ? WORKER_GTHREAD : WORKER_SYNC;
}

void server_print_flag(const struct server *s, enum flag f, struct buf *out)
{
    if (!is_known(s, f))
        buf_addf(out, "%s ?", flags[f].name);
    else
        buf_addf(out, "%s %s%s", flags[f].name, flag_text(s, f), s->flags[f] ? "" : " (default)");
}

void server_print(const struct server *s, struct buf *out)
{
    static const char *const names[] = {"none", "neither gunicorn nor uvicorn", "gunicorn",
                                        "uvicorn"};
    buf_adds(out, names[s->kind]);
    for (unsigned f = 0; f < FLAG_COUNT; f++) {
        if (flags[f].kind == s->kind) {
            buf_adds(out, " ");
            server_print_flag(s, f, out);
        }
    }
}
