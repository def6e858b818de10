// A doubly linked list whose links stand inside the things that it links.
//
// The list owns nothing. A link is in at most one list; a link that is in none points at itself,
// so list_remove() is harmless twice. All operations are O(1).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

// Puts `link`, which must be in no list, at the end of `head`.
static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

// Moves `link` from wherever it is to the end of `head`.
static inline void list_move(struct list *head, struct list *link)
{
    list_remove(link);
    list_append(head, link);
}

// The first link, or NULL.
static inline struct list *list_first(const struct list *head)
{
    // The analyzer does not see that a link leaves its list before it is freed.
    return head->next == head ? NULL : head->next; // NOLINT(clang-analyzer-unix.Malloc)
}
