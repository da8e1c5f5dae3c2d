/* Well-formed UTF-8: Unicode's table 3-7, which leaves out surrogates and what is longer than it
 * need be. */
#ifndef WSKEEP_BASE_UTF8_H
#define WSKEEP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the character at p, n >= 1. Where it is none (*good false): of what could be the
 * beginning of one and goes wrong behind it, which together become one U+FFFD (Unicode,
 * chapter 3.9). At least 1. */
size_t utf8_char(const uint8_t *p, size_t n, bool *good);
bool utf8_valid(const uint8_t *p, size_t n);

#endif
