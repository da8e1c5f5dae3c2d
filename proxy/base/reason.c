/* The table of reasons, as the header has it. */
#include "base/reason.h"

const struct reason_row reasons[REASON_COUNT] = {
#define X(id, label, clean, to_client, to_backend, text)                                           \
    [REASON_##id] = {label, clean, to_client, to_backend, text},
    REASON_MAP(X)
#undef X
};
