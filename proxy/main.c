/* wskeep: the command line. Exit codes: 0 after a drain, 1 could not run, --check found a fail, or
 * --ready had no yes, 2 wrong usage or a bad conf. */
#include "base/buf.h"
#include "config/check.h"
#include "config/load.h"
#include "process.h"
#include "ready.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "Usage: wskeep [-c FILE] [--listen ADDRESS] [--backend ADDRESS]\n"
    "\n"
    "  -c, --conf FILE        settings (JSON with comments; conf/README.md has them all)\n"
    "      --listen ADDRESS   host:port or unix:PATH to accept on (0.0.0.0:8080)\n"
    "      --backend ADDRESS  host:port or unix:PATH of the server behind (127.0.0.1:8000)\n"
    "      --check[=json]     say whether the settings fit each other and the path, and exit\n"
    "      --backend-command COMMAND  what the server is started with: for --check\n"
    "      --ready            ask the wskeep that runs whether it is ready: exit with 0 or 1\n"
    "      --print-config     print the settings in force, as a conf file, and exit\n"
    "      --version          print the version and exit\n"
    "      --help             print this and exit\n"
    "\n"
    "Environment variables win over the file, these options over both: WSKEEP_BACKEND_ADDRESS\n"
    "and so on for every setting, and PORT (conf/README.md).\n";

enum {
    OPT_LISTEN = 256,
    OPT_BACKEND,
    OPT_CHECK,
    OPT_COMMAND,
    OPT_READY,
    OPT_PRINT,
    OPT_VERSION,
    OPT_HELP
};

static const struct option options[] = {
    {"conf", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"check", optional_argument, NULL, OPT_CHECK},
    {"backend-command", required_argument, NULL, OPT_COMMAND},
    {"ready", no_argument, NULL, OPT_READY},
    {"print-config", no_argument, NULL, OPT_PRINT},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct command {
    const char *file;
    struct conf_override overrides[3];
    unsigned n;
    bool print, check, json, ready;
};

static _Noreturn void quit(FILE *to, const char *text, int code)
{
    fputs(text, to);
    exit(code);
}

static void override(struct command *c, const char *path, const char *origin)
{
    unsigned i = 0;
    while (i < c->n && c->overrides[i].path != path)
        i++;
    if (i == c->n)
        c->n++;
    c->overrides[i] = (struct conf_override){path, optarg, origin};
}

static void check(struct command *c)
{
    c->check = true;
    c->json = optarg && strcmp(optarg, "json") == 0;
    if (!optarg || c->json)
        return;
    fprintf(stderr, "wskeep: --check: found \"%s\", allowed is json, or nothing\n", optarg);
    quit(stderr, usage, 2);
}

static void parse(struct command *c, int argc, char **argv)
{
    static const char listen[] = "listen.address", backend[] = "backend.address",
                      backend_command[] = "platform.backend_command";
    int option;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            c->file = optarg;
            break;
        case OPT_LISTEN:
            override(c, listen, "--listen");
            break;
        case OPT_BACKEND:
            override(c, backend, "--backend");
            break;
        case OPT_CHECK:
            check(c);
            break;
        case OPT_COMMAND:
            override(c, backend_command, "--backend-command");
            break;
        case OPT_READY:
            c->ready = true;
            break;
        case OPT_PRINT:
            c->print = true;
            break;
        case OPT_VERSION:
            quit(stdout, "wskeep " WSKEEP_VERSION "\n", 0);
        case OPT_HELP:
            quit(stdout, usage, 0);
        default:
            quit(stderr, usage, 2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "wskeep: unexpected argument: %s\n", argv[optind]);
        quit(stderr, usage, 2);
    }
}

/* What is printed about a conf, in place of running by it. */
static int report(const struct command *c, const struct conf *conf, const struct strings *notes)
{
    struct buf text = {0};
    bool failed = false;
    for (unsigned i = 0; i < notes->n; i++)
        fprintf(stderr, "wskeep: note: %s\n", notes->v[i]);
    if (c->check) {
        struct check k;
        check_init(&k, conf, &conf->origins, getenv("ENVIRONMENT"));
        (c->json ? check_json : check_print)(&k, &text);
        failed = check_count(&k, RESULT_FAIL) > 0;
        check_fini(&k);
    } else {
        conf_print(conf, &text);
    }
    fwrite(text.data, 1, text.len, stdout);
    buf_fini(&text);
    return failed ? 1 : 0;
}

static int ask(struct conf *conf)
{
    struct buf why = {0};
    int code = ready_ask(conf, &why);
    if (code)
        fprintf(stderr, "wskeep: not ready: %.*s\n", (int)why.len, (char *)why.data);
    buf_fini(&why);
    return code;
}

int main(int argc, char **argv)
{
    struct command c = {0};
    struct conf *conf;
    struct strings notes = {0};
    struct buf why = {0};
    parse(&c, argc, argv);
    process_prepare();
    const struct conf_sources from = {c.file, environ, c.overrides, c.n};
    int code = 2;
    if (conf_load(&from, &conf, &notes, &why) < 0) {
        fprintf(stderr, "wskeep: %.*s\n", (int)why.len, (char *)why.data);
    } else if (c.print || c.check) {
        code = report(&c, conf, &notes);
        conf_unref(conf);
    } else if (c.ready) {
        code = ask(conf);
    } else {
        code = process_run(conf, &notes, &from);
    }
    strings_fini(&notes);
    buf_fini(&why);
    return code;
}
