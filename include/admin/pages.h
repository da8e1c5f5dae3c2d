/* The admin's pages: path → what it says. */
#ifndef WSKEEP_ADMIN_PAGES_H
#define WSKEEP_ADMIN_PAGES_H

#include "admin/admin.h"

struct page {
    const char *path, *type;
    unsigned (*make)(const struct admin_source *from, struct buf *body); /* the status */
};

const struct page *page_find(struct str path); /* NULL: there is none */
/* What /readyz says: 200 or 503, and why. */
unsigned page_readyz(bool ready, bool stopping, const char **text);

#endif
