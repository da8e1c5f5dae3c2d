/* A field of a message that is a JSON object. Pure.
 *
 * The text may end anywhere: what stands whole in it is found. JSON is read as far as is needed,
 * not judged: that is for those whose it is. */
#ifndef WSKEEP_SESSION_FIELD_H
#define WSKEEP_SESSION_FIELD_H

#include "config/conf.h"

/* Adds the text of the field at the dotted path ("data.type": a member of a member). A string is
 * unescaped; a number stands as it is written, so that no digit of an id is lost; true and false.
 * Of two members with one name the last counts, as for JavaScript and Python. False, and nothing
 * added: no such field; or it is null, an object or an array, has a NUL in it, or cannot be read.
 */
bool field_read(struct str json, const char *path, struct buf *out);
/* Whether the field is one of the values. Cheap where none of them occurs in the text. */
bool field_matches(struct str json, const struct match *m);

#endif
