/* Durations and sizes as people write them. Owns nothing. Never takes a fraction or a sign. */
#include "config/quantity.h"

#include "base/err.h"
#include <inttypes.h>

const struct unit quantity_durations[] = {
    {"h", 3600000}, {"m", 60000}, {"s", SECOND}, {"ms", 1}, {NULL, 0}};
const struct unit quantity_sizes[] = {
    {"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}, {NULL, 0}};

int digits_parse(struct str *s, uint64_t *out)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s->p[i] - '0'), &n))
            return ERR_RANGE;
    if (i == 0)
        return ERR_SYNTAX;
    *s = (struct str){s->p + i, s->n - i};
    *out = n;
    return 0;
}

int quantity_parse(const struct unit *units, struct str text, uint64_t bare, uint64_t *out)
{
    uint64_t n, unit = bare;
    int err = digits_parse(&text, &n);
    if (err < 0)
        return err;
    if (text.n > 0) {
        while (units->name && !str_eq(text, units->name))
            units++;
        unit = units->n;
    }
    if (unit == 0 && (n > 0 || text.n > 0))
        return ERR_SYNTAX;
    return __builtin_mul_overflow(n, unit, out) ? ERR_RANGE : 0;
}

void quantity_print(const struct unit *units, uint64_t n, struct buf *out)
{
    if (n == 0) {
        buf_adds(out, "0");
        return;
    }
    while (n % units->n != 0)
        units++;
    buf_addf(out, "%" PRIu64 "%s", n / units->n, units->name);
}
