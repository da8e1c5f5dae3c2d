/* Takes a request's target apart. Owns nothing. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

bool target_is(struct str target, const char *path)
{
    size_t n = strlen(path);

    return target.n >= n && memcmp(target.p, path, n) == 0 && (target.n == n || target.p[n] == '?');
}

uint64_t target_number(struct str target, const char *name, uint64_t otherwise)
{
    size_t n = strlen(name);

    for (const char *p = memchr(target.p, '?', target.n), *end = target.p + target.n; p;
         p = memchr(p, '&', (size_t)(end - p))) {
        p++;
        if ((size_t)(end - p) > n && memcmp(p, name, n) == 0 && p[n] == '=')
            return strtoull(p + n + 1, NULL, 10);
    }
    return otherwise;
}
