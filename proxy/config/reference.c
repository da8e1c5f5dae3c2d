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
    "one. What the command line says (`--listen`, `--backend`) wins over the file, and the\n"
    "file over the defaults. `wskeep -c FILE --print-config` shows what comes of it.\n"
    "[wskeep.conf](wskeep.conf) is a file that holds every default.\n"
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
    "## Reload\n"
    "\n"
    "Settings are read at the start; there is no reload yet. What one is to do is laid down\n"
    "with each setting:\n"
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
