/*
 * state: what the program learnt and must know again in the next run.
 *
 * It is a help, never the truth: the platform's list is.  Where it is lost,
 * subscriptions are recognised by their address.  It holds no secret, but a
 * digest of the verification token, keyed with a random key of its own.
 *
 * Times called "platform's" are of the platform's clock (the Date of its
 * replies), all others of ours.
 */
#ifndef RINGSPOOL_STATE_H
#define RINGSPOOL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "digest.h"
#include "reason.h"
#include "record.h"
#include "settings.h"

struct known {
	char name[SETTINGS_NAME_SIZE];
	char *id;			/* of its subscription; NULL: none */
	char token[DIGEST_TEXT];	/* keyed digest of what it was created with; "" none */
	char creating[DIGEST_TEXT];	/* the token of a creation that is not concluded, or "" */
	time_t creating_since;		/* platform's; with creating */
	char address[DIGEST_TEXT];	/* keyed digest of the declared address; "" unknown */
	long asked_expires_in;		/* what the last request asked for; 0 unknown */
	long lifetime;			/* what was granted to it, seconds; 0 unknown */
	char asked[DIGEST_TEXT];	/* of the filters declared at the last request */
	char answered[DIGEST_TEXT];	/* of the filters shown in its reply */
	char **old;			/* ids that it replaced and that must go */
	size_t old_count;
	struct disabled_filter *disabled; /* as the last reply told */
	size_t disabled_count;
	long left_out;			/* filters neither shown nor disabled in the answer */
	unsigned tries;			/* to replace it while its endpoint is sick */
	time_t next_try;		/* platform's; with tries */
	/* An interruption that is not told yet: what the subscription was instead of
	 * Active ("gone"), or NULL, and since when at the latest, 0 unknown. */
	char *lost;
	time_t lost_from;
	/* The last one that was told; reason NULL: none. */
	char *interruption;
	time_t interrupted_from, interrupted_until;
	bool mute;			/* no filter is active; of this run, not kept */
	bool doubtful;			/* whether it is there; of this run, not kept */
	/* for status.json */
	char *status;			/* as last seen, or NULL */
	time_t expires_at;		/* platform's; 0 unknown */
	time_t last_good;		/* run, 0 none */
	time_t failing_since;		/* 0: not failing */
	char *error;			/* text, with failing_since */
	char code[32];			/* the platform's, or "" */
	int error_status;		/* exit status */
};

/* A failure or warning that was told, so that cron does not mail it daily. */
struct told {
	char *key;
	time_t since;
	time_t at;		/* last told to cron; 0 never */
	bool failure;		/* its end is told */
	bool present;		/* met in this run; not kept */
};

struct state {
	unsigned char key[DIGEST_KEY_BYTES];
	char *owner;		/* path of the configuration it belongs to; NULL: not said */
	time_t retry_until;	/* the platform asked to wait so long; 0 not */
	time_t last_good;	/* run in which all was well */
	struct known *known;
	size_t known_count;
	struct told *told;
	size_t told_count;
};

/* Reads the state.  Returns 0; 1 when there was none, or one that had to be
 * set aside, and the state is fresh (*note says what was wrong, or is empty);
 * -1 with *note filled.  state_free() is due but for -1. */
int state_load(struct state *state, int directory, struct reason *note);
int state_save(const struct state *state, int directory, struct reason *why);
void state_free(struct state *state);

/* Whether the state belongs to another configuration than the one at this path,
 * a configuration that still exists.  One without an owner does not. */
bool state_is_of_another(const struct state *state, const char *configuration);

/* What is known of a declared subscription; state_know() makes an empty entry
 * where there is none (NULL: out of memory).  A pointer counts until the next
 * state_know(). */
struct known *state_find(const struct state *state, const char *name);
struct known *state_know(struct state *state, const char *name);

/* What is known of the subscription with this id, or NULL. */
const struct known *state_find_id(const struct state *state, const char *id);

/* Forgets the entry of this name. */
void state_forget(struct state *state, const char *name);

/* Members that own memory: they copy, NULL empties.  -1: out of memory. */
int known_set_text(char **member, const char *text);
int known_add_old(struct known *known, const char *id);
void known_drop_old(struct known *known, const char *id);
/* Takes note, the first time, of what the subscription was instead of Active. */
int known_set_lost(struct known *known, time_t from, const char *what);
int known_set_disabled(struct known *known, const struct record *record);

#endif
