/* Writes conf/README.md: how a conf file is written, and each setting as its row in the table has
 * it. Owns nothing. */
#include "config/load.h"
#include "config/table.h"
#include <string.h>

static const char intro[] =
    "<!-- Written by `make reference` from proxy/config/table.c. -->\n"
    "# Settings\n"
    "\n"
    "wskeep runs without a conf file: every setting has a default. `wskeep -c FILE` reads\n"
    "one. Each of these wins over those before it:\n"
    "\n"
    "1. the defaults,\n"
    "2. the file,\n"
    "3. the file's section for the environment, `environments.NAME` where `ENVIRONMENT=NAME`,\n"
    "4. environment variables,\n"
    "5. the command line (`--listen`, `--backend`).\n"
    "\n"
    "`wskeep -c FILE --print-config` shows what comes of it all. Files to begin with:\n"
    "\n"
    "- [wskeep.conf](wskeep.conf): every setting, with its default;\n"
    "- [cloud-run.conf](cloud-run.conf): for a service on Cloud Run, and why;\n"
    "- [staging.conf](staging.conf): one file for staging and production.\n"
    "\n"
    "Those for Kubernetes, compose and systemd stand in [deploy](../deploy/README.md), each\n"
    "beside what it is deployed with.\n"
    "\n"
    "## The file\n"
    "\n"
    "A conf file is JSON in UTF-8, with `//` and `/* */` comments, an object for each group:\n"
    "\n"
    "```\n"
    "{\n"
    "    // Only what differs from the defaults.\n"
    "    \"backend\": {\"address\": \"127.0.0.1:5000\"},\n"
    "    \"heartbeat\": {\"interval\": \"20s\", \"timeout\": \"1m\"}\n"
    "}\n"
    "```\n"
    "\n"
    "- A **duration** is text: a whole number and its unit, one of `ms`, `s`, `m`, `h`, as in\n"
    "  `\"250ms\"`.\n"
    "- A **size** is text: a whole number and its unit, one of `B`, `KiB`, `MiB`, `GiB`\n"
    "  (powers of 1024), as in `\"64KiB\"`.\n"
    "- Zero needs no unit: `\"0\"` or `0`, where it is allowed.\n"
    "- An **address** is `\"host:port\"`, `\"[v6]:port\"` or `\"unix:PATH\"`; to listen on every\n"
    "  host, `\":port\"`.\n"
    "\n"
    "A mistake (an unknown name, a name that stands twice, a wrong type or unit, a value out\n"
    "of range) stops wskeep at its start with exit status 2. The message says where it is,\n"
    "what was found and what is allowed:\n"
    "\n"
    "```\n"
    "wskeep.conf:12: heartbeat.interval: found \"25 parsecs\", allowed is a duration of 50ms to "
    "1h, such as \"25s\"\n"
    "```\n"
    "\n"
    "## Environments\n"
    "\n"
    "`environments` holds a section for each environment, with any of the settings. The one\n"
    "that `ENVIRONMENT` names is laid over the rest of the file; a list in it replaces the\n"
    "whole list. All of them are checked at every start, chosen or not.\n"
    "\n"
    "```\n"
    "{\n"
    "    \"log\": {\"format\": \"json\"},\n"
    "    \"environments\": {\n"
    "        \"staging\": {\"log\": {\"level\": \"debug\"}},\n"
    "        \"production\": {\"workers\": 2}\n"
    "    }\n"
    "}\n"
    "```\n"
    "\n"
    "The log warns, and no section applies, where `ENVIRONMENT` names none of them, and where\n"
    "on Cloud Run (`K_SERVICE` is set) it is not set at all. Without `environments` in the\n"
    "file `ENVIRONMENT` means nothing to wskeep.\n"
    "\n"
    "## Environment variables\n"
    "\n"
    "Every setting has a variable: `WSKEEP_` and its path in capitals, `_` for each dot. Some\n"
    "have a second one, which platforms and applications set already. Where both are set, the\n"
    "`WSKEEP_` one counts and the other is not looked at.\n"
    "\n"
    "- Values stand without quotes and brackets, a list with commas: `10.0.0.0/8,fd00::/8`.\n"
    "- A number without a unit is a duration in seconds: `WEBSOCKET_HEARTBEAT_INTERVAL=25`.\n"
    "- An empty variable counts as not set. (What is to be empty is said in the file.)\n"
    "- `PORT` is the port of `listen.address`, whose host stays. Where the file has a Unix path\n"
    "  there it is ignored, with a warning in the log: platforms set `PORT` for everyone, the\n"
    "  path was chosen.\n"
    "- A mistake in a value stops wskeep as one in the file does, and the message names the\n"
    "  variable.\n"
    "- Any other name that begins with `WSKEEP_` is ignored, with a warning in the log:\n"
    "  Kubernetes makes some, such as `WSKEEP_SERVICE_HOST`, for a service called wskeep.\n"
    "\n"
    "## Reload\n"
    "\n"
    "SIGHUP reads the file again, under the environment and the command line that wskeep was\n"
    "started with, and closes no connection. A mistake, or a `listen.address` that cannot be\n"
    "opened, leaves all the old settings in force, and the log says so; otherwise it names the\n"
    "settings that changed. What a reload does to a setting is said with each:\n"
    "\n";

static const struct {
    const char *name, *text;
} reloads[RELOAD_COUNT] = {
#define X(id, name, text) {name, text},
    RELOAD_MAP(X)
#undef X
};

static void print_group(const struct setting *s, struct buf *out)
{
    struct str path = setting_group(s);
    buf_adds(out, "\n## ");
    if (path.n == 0)
        buf_adds(out, "Top level");
    buf_add(out, path.p, path.n);
    buf_addf(out, "\n\n%s\n", group_find(path)->doc);
}

static void print_setting(const struct setting *s, const struct conf *defaults, struct buf *out)
{
    buf_addf(out, "\n### %s\n\n%s\n\n- default: `", s->path, s->doc);
    setting_print(s, defaults, out);
    buf_adds(out, "`\n- allowed: ");
    setting_allowed(s, out);
    buf_adds(out, "\n- variable: `");
    setting_variable(s, out);
    if (s->kept)
        buf_addf(out, "` or `%s", s->kept);
    buf_adds(out, s->kept && s->type == SETTING_BIND ? "` (its port)" : "`");
    buf_addf(out, "\n- reload: %s\n", reloads[s->reload].name);
}

void conf_reference(struct buf *out)
{
    struct conf *defaults = conf_new();
    buf_adds(out, intro);
    for (unsigned i = 0; i < RELOAD_COUNT; i++)
        buf_addf(out, "- **%s**: %s.\n", reloads[i].name, reloads[i].text);
    for (unsigned i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        struct str group = setting_group(s);
        if (i == 0 || group_find(group) != group_find(setting_group(s - 1)))
            print_group(s, out);
        print_setting(s, defaults, out);
    }
    conf_unref(defaults);
}
