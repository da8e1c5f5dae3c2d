/* Writing JSON into a buf: commas are set here, strings are escaped, bytes that are no UTF-8 become
 * U+FFFD. */
#ifndef WSKEEP_BASE_JSON_H
#define WSKEEP_BASE_JSON_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

struct json {
    struct buf *out;
    bool comma;
    size_t max; /* bytes of a string between its quotes; json_init: no limit */
};

void json_init(struct json *j, struct buf *out);
/* bracket: '{' or '[', and its pair at the close. key: a word of ours, written as it is; NULL
 * within an array and at the top, here and below. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_str(struct json *j, const char *key, struct str v);
void json_uint(struct json *j, const char *key, uint64_t v);
void json_seconds(struct json *j, const char *key, uint64_t ms); /* as 1.234 */
void json_thousandths(char out[3], uint64_t n);                  /* the last three digits */
void json_bool(struct json *j, const char *key, bool v);
/* v as a JSON string, with its quotes; where it takes more than max bytes between them (at least 3)
 * it is cut after a whole character and ends in an ellipsis. */
void json_quote(struct buf *out, struct str v, size_t max);

#endif
