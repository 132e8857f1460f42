#include "oldest.h"

#include <stdlib.h>
#include <string.h>

int oldest_init(struct oldest *oldest, size_t capacity, struct reason *why)
{
	*oldest = (struct oldest){ .capacity = capacity };
	oldest->items = calloc(capacity, sizeof oldest->items[0]);
	return oldest->items ? 0 : reason_set(why, "out of memory");
}

void oldest_free(struct oldest *oldest)
{
	free(oldest->items);
	oldest->items = NULL;
}

void oldest_restart(struct oldest *oldest, bool resume)
{
	oldest->resumed = resume && oldest->count > 0;
	if (oldest->resumed)
		oldest->after = oldest->items[oldest->count - 1];
	oldest->count = 0;
	oldest->more = false;
}

void oldest_restart_behind(struct oldest *oldest, const struct oldest *other)
{
	oldest_restart(oldest, false);
	oldest->resumed = other->count > 0;
	if (oldest->resumed)
		oldest->after = other->items[other->count - 1];
}

int picked_compare(const void *left, const void *right)
{
	const struct picked *a = left, *b = right;
	int order = entry_compare(&a->entry, &b->entry);

	if (order == 0)
		order = strcmp(a->entry.day, b->entry.day);
	if (order == 0)
		order = (int)a->entry.state - (int)b->entry.state;
	if (order == 0 && a->states != b->states)
		order = strcmp(states_path(a->states), states_path(b->states));
	return order;
}

/* The items are a heap while they are collected: each at least as young as
 * its two children, so the youngest, the first to go, is in front. */
static void sift_up(struct picked *heap, size_t at)
{
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		struct picked held = heap[at];

		if (picked_compare(&heap[parent], &held) >= 0)
			return;
		heap[at] = heap[parent];
		heap[parent] = held;
		at = parent;
	}
}

static void sift_down(struct picked *heap, size_t count)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		struct picked held = heap[at];

		if (child + 1 < count && picked_compare(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (picked_compare(&held, &heap[child]) >= 0)
			return;
		heap[at] = heap[child];
		heap[child] = held;
		at = child;
	}
}

void oldest_add(struct oldest *oldest, struct states *states,
	const struct entry *entry)
{
	struct picked picked = { .states = states, .entry = *entry };

	if (oldest->resumed && picked_compare(&picked, &oldest->after) <= 0)
		return;
	if (oldest->count < oldest->capacity) {
		oldest->items[oldest->count] = picked;
		sift_up(oldest->items, oldest->count++);
		return;
	}
	oldest->more = true;
	if (oldest->capacity == 0 || picked_compare(&picked, &oldest->items[0]) >= 0)
		return;
	oldest->items[0] = picked;
	sift_down(oldest->items, oldest->count);
}

void oldest_sort(struct oldest *oldest)
{
	qsort(oldest->items, oldest->count, sizeof oldest->items[0], picked_compare);
}
