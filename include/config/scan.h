/* The conf file as text: JSON with comments, checked to the byte before cJSON makes a tree of it.
 *
 * cJSON takes some of what JSON forbids (line breaks within strings, 01, \u0000, which cuts a
 * string short) and keeps no lines; this says what is wrong, and where. Pure. Internal to config/.
 */
#ifndef WSKEEP_CONFIG_SCAN_H
#define WSKEEP_CONFIG_SCAN_H

#include "base/buf.h"
#include <stdbool.h>

#define SCAN_DEPTH 16 /* brackets within brackets; the settings need 4 */

struct scan_fault {
    size_t at;
    struct str found; /* in words; a piece of the text where `quote` */
    bool quote;
    const char *allowed;
};

/* Checks that the text is UTF-8 and overwrites comments, and a byte order mark, with spaces: line
 * breaks and all other bytes keep their place. */
bool scan_blank(char *text, size_t n, struct scan_fault *f);
/* Whether blanked text is one JSON object and nothing else. What escapes in strings mean is left to
 * cJSON. */
bool scan_check(struct str text, struct scan_fault *f);
/* Whether it is one JSON value of any kind, and nothing else; escapes as there. */
bool scan_is_value(struct str text);
/* Of checked text: where the nth value begins, or its name where it has one. The object itself is
 * the 0th; the others follow in the order of the text. */
size_t scan_value(struct str text, unsigned nth);
unsigned scan_line(struct str text, size_t at); /* the first is 1 */

#endif
