/* JSON's tokens. Pure. */
#ifndef WSKEEP_CONFIG_LEX_H
#define WSKEEP_CONFIG_LEX_H

#include "base/buf.h"
#include <stdbool.h>

struct lexeme {
    char kind; /* { } [ ] : , and: " a string, w a word or number, 0 the end, ? anything else */
    struct str s;
};

/* The next one from *at on, which is moved past it. */
struct lexeme lex_next(struct str text, size_t *at);
/* The bytes of the string that begins at p, with its quotes; 0: it does not end in its line. */
size_t lex_string(const char *p, size_t n);
bool lex_is_value(struct str word); /* true, false, null, a number */
/* Whether a string has \u0000 in it, which would end it early for all who read it as C does. */
bool lex_hides_nul(struct str string);

#endif
