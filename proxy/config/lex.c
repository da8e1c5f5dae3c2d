/* Cuts JSON into tokens. Owns nothing. Never looks behind the text. */
#include "config/lex.h"

#include <string.h>

size_t lex_string(const char *p, size_t n)
{
    for (size_t i = 1; i < n && p[i] != '\n'; i++) {
        if (p[i] == '"')
            return i + 1;
        if (p[i] == '\\' && i + 1 < n && p[i + 1] != '\n')
            i++;
    }
    return 0;
}

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-."

struct lexeme lex_next(struct str text, size_t *at)
{
    while (*at < text.n && strchr(" \t\r\n", text.p[*at]))
        ++*at;
    const char *p = text.p + *at;
    size_t left = text.n - *at, len = 0;
    if (left == 0)
        return (struct lexeme){0, {p, 0}};
    char kind = '?';
    if (*p == '"') {
        len = lex_string(p, left);
        kind = len ? '"' : '?';
    } else if (strchr("{}[]:,", *p)) {
        len = 1;
        kind = *p;
    } else {
        while (len < left && strchr(WORD, p[len]))
            len++;
        kind = len ? 'w' : '?';
    }
    *at += len;
    return (struct lexeme){kind, {p, len ? len : 1}};
}

static size_t digits(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i;
}

/* RFC 8259 §6. */
static bool is_number(struct str s)
{
    size_t i = s.n > 0 && s.p[0] == '-', whole = digits(s.p + i, s.n - i);
    if (whole == 0 || (whole > 1 && s.p[i] == '0'))
        return false;
    i += whole;
    if (i < s.n && s.p[i] == '.') {
        size_t fraction = digits(s.p + i + 1, s.n - i - 1);
        if (fraction == 0)
            return false;
        i += 1 + fraction;
    }
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
            i++;
        size_t exponent = digits(s.p + i, s.n - i);
        if (exponent == 0)
            return false;
        i += exponent;
    }
    return i == s.n;
}

bool lex_is_value(struct str word)
{
    return str_eq(word, "true") || str_eq(word, "false") || str_eq(word, "null") || is_number(word);
}

bool lex_hides_nul(struct str s)
{
    for (size_t i = 0; i + 5 < s.n; i++) {
        if (s.p[i] != '\\')
            continue;
        if (memcmp(s.p + i + 1, "u0000", 5) == 0)
            return true;
        i++;
    }
    return false;
}
