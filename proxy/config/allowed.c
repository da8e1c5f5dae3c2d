/* What is allowed, in words: the end of an error message, and the line in the reference. Owns
 * nothing. */
#include "base/json.h"
#include "config/quantity.h"
#include "config/table.h"
#include <inttypes.h>
#include <string.h>

void alternative_add(struct buf *out, unsigned i, unsigned n, struct str text)
{
    buf_adds(out, i == 0 ? "" : i + 1 == n ? " or " : ", ");
    buf_add(out, text.p, text.n);
}

static void quantity_allowed(const struct setting *s, const char *what, struct buf *out)
{
    if (s->zero)
        buf_addf(out, "\"0\" (%s) or ", s->zero);
    buf_addf(out, "%s of ", what);
    quantity_print(setting_units(s), s->least, out);
    buf_adds(out, " to ");
    quantity_print(setting_units(s), s->most, out);
    if (strcmp(s->initial, "0") != 0)
        buf_addf(out, ", such as \"%s\"", s->initial);
}

static void words_allowed(const struct setting *s, struct buf *out)
{
    unsigned n = 0;
    while (s->words[n])
        n++;
    for (unsigned i = 0; i < n; i++) {
        alternative_add(out, i, n, STR(""));
        json_quote(out, str_of(s->words[i]), SIZE_MAX);
    }
}

void setting_allowed(const struct setting *s, struct buf *out)
{
    switch (s->type) {
    case SETTING_BIND:
        if (s->zero)
            buf_addf(out, "\"\" (%s), ", s->zero);
        buf_adds(out,
                 "\"host:port\", \"[v6]:port\", \":port\" (every host) or \"unix:PATH\"; port 0 "
                 "to 65535, PATH 1 to 107 bytes");
        break;
    case SETTING_DIAL:
        buf_adds(out,
                 "\"host:port\", \"[v6]:port\" or \"unix:PATH\"; port 1 to 65535, PATH 1 to 107 "
                 "bytes");
        break;
    case SETTING_DURATION:
        quantity_allowed(s, "a duration", out);
        break;
    case SETTING_SIZE:
        quantity_allowed(s, "a size", out);
        break;
    case SETTING_COUNT:
        if (s->zero)
            buf_addf(out, "\"%s\" or ", s->zero);
        buf_addf(out, "a whole number of %" PRIu64 " to %" PRIu64, s->least, s->most);
        break;
    case SETTING_BOOL:
        buf_adds(out, "true or false");
        break;
    case SETTING_WORD:
        words_allowed(s, out);
        break;
    case SETTING_TEXT:
        if (s->zero)
            buf_addf(out, "\"\" (%s) or ", s->zero);
        buf_adds(out, "a text in one line");
        break;
    case SETTING_PATH:
        buf_addf(out, "\"\" (%s) or a path, such as \"/ready\"", s->zero);
        break;
    case SETTING_JSON:
        buf_addf(out,
                 "\"\" (%s) or a JSON text in one line, such as \"{\\\"type\\\": "
                 "\\\"reconnected\\\"}\"",
                 s->zero);
        break;
    case SETTING_TEXTS:
        buf_adds(
            out,
            "a list of texts in one line each, none of them empty, such as [\"one\", \"two\"]");
        break;
    case SETTING_NETWORKS:
        buf_adds(out,
                 "a list of networks, such as [\"10.0.0.0/8\", \"fd00::/8\"], or [\"*\"] for every "
                 "peer");
        break;
    case SETTING_ORIGINS:
        buf_adds(out, "a list of origins as browsers send them (scheme, host, port, in lower case, "
                      "without a path), such as [\"https://app.example.com\", "
                      "\"https://*.example.com\", \"http://localhost:3000\"], or [] for any");
        break;
    case SETTING_PLACES:
        buf_adds(out, "a list of paths, or beginnings of them, and of subprotocols, such as "
                      "[\"/editor/\", \"v1.terminal.example.com\"]");
        break;
    case SETTING_CODES:
        buf_addf(out, "codes of %" PRIu64 " to %" PRIu64 ", in a list such as [4000, 4010]",
                 s->least, s->most);
        break;
    }
}
