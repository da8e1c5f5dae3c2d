/* What a head must be beyond what llhttp's strict mode asks of it (RFC 9112 §2.2, §3, §5, §6; RFC
 * 9110 §7.6.1). Pure. */
#ifndef WSKEEP_WIRE_STRICT_H
#define WSKEEP_WIRE_STRICT_H

#include "wire/http1.h"

#define STRICT_OPTIONS                                                                             \
    32u /* options that the Connection fields of a message may name: each is looked for in every   \
           field */

/* Each takes what llhttp took for a head, and gives 0, or the status to answer with and *why
 * (static). Values are trimmed, body, length and keep_alive are set. to_head: the answer is one to
 * HEAD. */
int strict_request(struct http1_view *m, const char **why);
int strict_answer(struct http1_view *m, bool to_head, const char **why);
int strict_trailers(struct http1_view *m, const char **why);

bool strict_tchar(char c); /* of a token (RFC 9110 §5.6.2) */
/* Cuts scheme and authority off an absolute-form target (http, https, ws, wss). Any other form is
 * left as it is, and the result is empty. */
struct str strict_authority(struct str *target);

#endif
