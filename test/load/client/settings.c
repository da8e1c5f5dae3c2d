/* Reads the command line by the table. Owns nothing: texts are argv's. */
#include "settings.h"

#include "lib/message.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { TEXT, COUNT, NUMBER, SWITCH, PIDS };

static const struct row {
    enum type type;
    size_t field;
    const char *option, *otherwise, *help;
} rows[] = {
#define X(type, field, option, otherwise, help)                                                    \
    {type, offsetof(struct settings, field), option, otherwise, help},
    SETTINGS_MAP(X)
#undef X
};
#define ROWS ((int)(sizeof rows / sizeof *rows))

static bool read_value(struct settings *s, const struct row *row, const char *text)
{
    void *field = (char *)s + row->field;
    char *end = "";

    switch (row->type) {
    case TEXT:
        *(const char **)field = text;
        break;
    case COUNT:
        *(uint64_t *)field = strtoull(text, &end, 10);
        break;
    case NUMBER:
        *(double *)field = strtod(text, &end);
        break;
    case SWITCH:
        *(bool *)field = text == NULL;
        break;
    case PIDS:
        return pids_parse(field, text);
    }
    return *end == '\0';
}

static void usage(void)
{
    fputs("usage: load --port PORT [OPTION VALUE] ...\n", stderr);
    for (const struct row *row = rows; row < rows + ROWS; row++)
        fprintf(stderr, "  --%-13s %-10s %s\n", row->option, row->otherwise, row->help);
}

static bool read_options(struct settings *s, int argc, char **argv)
{
    struct option options[ROWS + 1] = {0};
    int i;

    for (i = 0; i < ROWS; i++) {
        options[i] = (struct option){rows[i].option, rows[i].type != SWITCH, NULL, i};
        read_value(s, &rows[i], rows[i].otherwise);
    }
    while ((i = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (i == '?')
            return false;
        if (!read_value(s, &rows[i], optarg)) {
            fprintf(stderr, "load: --%s %s: not understood\n", rows[i].option, optarg);
            return false;
        }
    }
    return optind == argc;
}

static bool check(struct settings *s)
{
    if (s->port < 1 || s->port > UINT16_MAX || s->conns < 1 || s->inflight < 1 || s->ramp < 1) {
        fputs("load: --port, --conns, --inflight and --ramp must be given, or be 1 at least\n",
              stderr);
        return false;
    }
    if (s->size < MESSAGE_MIN) {
        fprintf(stderr, "load: --size raised to %zu: a message proves itself\n", MESSAGE_MIN);
        s->size = MESSAGE_MIN;
    }
    return true;
}

bool settings_read(struct settings *s, int argc, char **argv)
{
    if (read_options(s, argc, argv) && check(s))
        return true;
    usage();
    return false;
}
