/* Names and texts of error codes, ours and libuv's, from one table; and the end of a process that
 * broke an invariant of its own. Owns nothing. Never calls uv_err_name, which leaks for a code that
 * it does not know. */
#include "base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct row {
    int code;
    const char *name, *text;
};

static const struct row rows[] = {
#define X(name, text) {ERR_##name, "ERR_" #name, text},
    ERR_MAP(X)
#undef X
#define X(name, text) {UV_##name, #name, text},
        UV_ERRNO_MAP(X)
#undef X
            {0, "OK", "no error"},
};

static const struct row *row_of(int err)
{
    static const struct row unknown = {0, "UNKNOWN", "unknown error"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == err)
            return &rows[i];
    return &unknown;
}

const char *err_name(int err)
{
    return row_of(err)->name;
}

const char *err_text(int err)
{
    return row_of(err)->text;
}

void bug(const char *what, const char *file, int line)
{
    fprintf(stderr, "wskeep: bug at %s:%d: %s\n", file, line, what);
    abort();
}
