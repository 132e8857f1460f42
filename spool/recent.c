#include "recent.h"

#include <stdlib.h>

enum { SIZE_AT_FIRST = 1024 };

/* Where a key is, or where it would be: there is always a free place. */
static uint64_t *place_of(const struct recent_set *set, uint64_t key)
{
	size_t at = (size_t)key & (set->size - 1);

	while (set->keys[at] != 0 && set->keys[at] != key)
		at = (at + 1) & (set->size - 1);
	return &set->keys[at];
}

static bool has(const struct recent_set *set, uint64_t key)
{
	return set->size > 0 && *place_of(set, key) == key;
}

/* Makes room for one more, half of the places staying free. */
static int grow(struct recent_set *set)
{
	struct recent_set larger = { .used = set->used,
		.size = set->size ? set->size * 2 : SIZE_AT_FIRST };

	if (set->used < set->size / 2)
		return 0;
	larger.keys = calloc(larger.size, sizeof larger.keys[0]);
	if (!larger.keys)
		return -1;
	for (size_t i = 0; i < set->size; i++)
		if (set->keys[i] != 0)
			*place_of(&larger, set->keys[i]) = set->keys[i];
	free(set->keys);
	*set = larger;
	return 0;
}

int recent_note(struct recent *recent, uint64_t key)
{
	key += key == 0;	/* 0 means a free place */
	if (has(&recent->present, key) || has(&recent->past, key))
		return 0;
	if (grow(&recent->present) < 0)
		return -1;
	*place_of(&recent->present, key) = key;
	recent->present.used++;
	return 1;
}

void recent_turn(struct recent *recent)
{
	free(recent->past.keys);
	recent->past = recent->present;
	recent->present = (struct recent_set){ .size = 0 };
}

void recent_free(struct recent *recent)
{
	recent_turn(recent);
	recent_turn(recent);
}
