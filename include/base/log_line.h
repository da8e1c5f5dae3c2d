/* One line of the log, as bytes: the time comes in, nothing goes out. */
#ifndef WSKEEP_BASE_LOG_LINE_H
#define WSKEEP_BASE_LOG_LINE_H

#include "base/log.h"
#include <time.h>

/* PIPE_BUF: a write of so much stays in one piece among those of other processes to the same pipe.
 */
#define LOG_LINE_CAP 4096u

/* Adds a line of at most LOG_LINE_CAP bytes that ends in its only newline, to an empty buf. A
 * string that does not fit is cut and ends in an ellipsis, what comes behind it is left out: the
 * line is well-formed all the same.
 *
 *   2026-11-24T20:23:46.123Z info  session_end reason=client_close messages=3 duration=1.234s
 *   {"severity":"INFO","time":"2026-11-24T20:23:46.123Z","message":"session_end","reason":"client_close",…}
 *
 * In text a string is quoted, as in JSON, unless it is a word of printable ASCII without quote,
 * backslash and "=". A request is "httpRequest" in JSON, an object as Cloud Logging wants it; in
 * text its fields stand among the others. A trace is three fields in JSON, of the names by which
 * Cloud Logging takes it for the line's own; in text its id. */
void log_line(struct buf *line, enum log_format format, struct timespec at, enum log_level level,
              const char *event, const struct log_field *fields);

#endif
