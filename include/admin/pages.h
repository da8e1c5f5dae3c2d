/* The admin's pages: path → what it says. */
#ifndef WSKEEP_ADMIN_PAGES_H
#define WSKEEP_ADMIN_PAGES_H

#include "admin/admin.h"

struct page {
    const char *path, *type;
    unsigned (*make)(const struct admin_source *from, struct buf *body); /* the status */
};

/* target: origin-form; its query does not matter. NULL: there is none. */
const struct page *page_find(struct str target);

#endif
