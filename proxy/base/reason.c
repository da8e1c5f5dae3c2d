/* The table of reasons, as the header has it. */
#include "base/reason.h"

const char *const reason_by[] = {
    [BY_CLIENT] = "client", [BY_BACKEND] = "backend", [BY_WSKEEP] = "wskeep"};

const struct reason_row reasons[REASON_COUNT] = {
#define X(id, label, clean, by, to_client, to_backend, text)                                       \
    [REASON_##id] = {label, clean, BY_##by, to_client, to_backend, text},
    REASON_MAP(X)
#undef X
};
