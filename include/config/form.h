/* What texts of a certain form look like. Pure. Internal to config/. */
#ifndef WSKEEP_CONFIG_FORM_H
#define WSKEEP_CONFIG_FORM_H

#include "base/buf.h"
#include <stdbool.h>

bool form_path(struct str text);  /* can be the target of a request: begins with a slash */
bool form_place(struct str text); /* that, or a subprotocol: a token (RFC 9110 §5.6.2) */
bool form_json(struct str text);  /* one JSON value, of at most SCAN_DEPTH brackets in another */

#endif
