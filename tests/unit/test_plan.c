/* The plan: what is declared against what is present, with no network and a
 * clock that is an argument. */
#include "fixture.h"

#include <string.h>

#include "../../renew/plan.h"

#define HERE "https://hooks.example.com/here"
#define THERE "https://hooks.example.com/there"
#define NOW ((time_t)1800000000)
#define DAY 86400

static char sms[] = "/restapi/v1.0/account/~/extension/~/message-store/instant?type=SMS";
static char fax[] = "/restapi/v1.0/account/~/extension/~/fax?direction=Inbound";
static char sms_shown[] =
	"/restapi/v1.0/account/1/extension/2/message-store/instant?type=SMS";
static char fax_shown[] = "/restapi/v1.0/account/1/extension/2/fax?direction=Inbound";

/* One world of a test: two declared subscriptions at most, some records. */
struct world {
	char *filters[2];
	struct declared declared[2];
	size_t declared_count;
	struct record items[6];
	char *shown[2];
	struct records present;
	struct state state;
	struct known known[2];
	char *reminders[1];
	struct plan_input input;
	struct plan plan;
};

static void declare(struct world *world, const char *name, char *address)
{
	struct declared *declared = &world->declared[world->declared_count++];

	*declared = (struct declared){ .address = address, .filters = world->filters,
		.filter_count = 1, .expires_in = 7 * DAY, .renew_before = 3 * DAY };
	strcpy(declared->name, name);
}

static struct world begin(void)
{
	struct world world = { .filters = { sms, fax }, .shown = { sms_shown, fax_shown } };

	return world;
}

/* A record that is as it should be: Active, the right filter, six days left. */
static struct record *show(struct world *world, char *id, char *address)
{
	struct record *record = &world->items[world->present.count++];

	*record = (struct record){ .id = id, .webhook = true, .address = address,
		.status = (char *)"Active", .filters = world->shown, .filter_count = 1,
		.expires_at = NOW + 6 * DAY, .seconds_left = -1 };
	return record;
}

static struct known *know(struct world *world, const char *name, char *id)
{
	struct known *known = &world->known[world->state.known_count++];

	*known = (struct known){ .id = id, .asked_expires_in = 7 * DAY, .lifetime = 7 * DAY };
	strcpy(known->name, name);
	return known;
}

static void make_plan(struct world *world, const char *token)
{
	world->present.items = world->items;
	world->state.known = world->known;
	world->input = (struct plan_input){ .declared = world->declared,
		.declared_count = world->declared_count, .present = &world->present,
		.state = &world->state, .token = token, .reminders = world->reminders,
		.reminder_count = world->reminders[0] ? 1 : 0, .now = NOW };
	assert_int_equal(plan_make(&world->plan, &world->input), 0);
}

static void expect_step(const struct world *world, size_t i, enum step_kind kind,
	const char *id)
{
	assert_true(i < world->plan.count);
	assert_int_equal(world->plan.steps[i].kind, kind);
	if (id)
		assert_string_equal(world->plan.steps[i].record->id, id);
	else
		assert_null(world->plan.steps[i].record);
}

static void expect_end(struct world *world, size_t count)
{
	assert_int_equal(world->plan.count, count);
	plan_free(&world->plan);
}

/* Nothing to do. */

static void what_is_well_needs_no_step(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	assert_ptr_equal(world.plan.kept[0], &world.items[0]);
	expect_end(&world, 0);
}

static void an_address_may_be_written_otherwise(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)"HTTPS://Hooks.Example.Com:443/here");
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_end(&world, 0);
}

static void an_address_that_the_platform_rewrites_is_known_by_the_id(void **state)
{
	struct world world = begin();
	struct known *known;

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)"https://hooks.example.com/%68ere");
	known = know(&world, "a", (char *)"1");
	digest_keyed(world.state.key, HERE, known->address);
	make_plan(&world, "");
	expect_end(&world, 0);
	digest_keyed(world.state.key, THERE, known->address);
	make_plan(&world, "");
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_end(&world, 2);
}

static void others_are_left_alone(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"ours", (char *)HERE);
	know(&world, "a", (char *)"ours");
	show(&world, (char *)"1", (char *)THERE)->status = (char *)"Suspended";
	world.items[world.present.count++] = (struct record){ .id = (char *)"2",
		.transport = (char *)"PubNub" };
	make_plan(&world, "");
	expect_end(&world, 0);
}

/* None, several. */

static void none_is_created(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)THERE);
	make_plan(&world, "");
	assert_null(world.plan.kept[0]);
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_end(&world, 1);
}

static void what_has_the_address_is_adopted(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	make_plan(&world, "digest");
	expect_step(&world, 0, STEP_ADOPT, "1");
	expect_end(&world, 1);
}

static void of_several_the_known_one_stays(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE)->expires_at += DAY;
	show(&world, (char *)"2", (char *)HERE);
	know(&world, "a", (char *)"2");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_DELETE, "1");
	expect_end(&world, 1);
}

static void of_several_an_active_one_stays_even_if_another_is_known(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE)->status = (char *)"Blacklisted";
	show(&world, (char *)"2", (char *)HERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_ADOPT, "2");
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_end(&world, 2);
}

static void of_several_unknown_ones_the_right_filters_then_the_longest_life_stay(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"2", (char *)HERE)->expires_at += 60;
	show(&world, (char *)"3", (char *)HERE)->filter_count = 2;
	world.items[2].expires_at += 3600;
	make_plan(&world, "");
	expect_step(&world, 0, STEP_ADOPT, "2");
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_step(&world, 2, STEP_DELETE, "3");
	expect_end(&world, 3);
}

/* Address and token. */

static void a_changed_address_creates_and_then_deletes(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)THERE);
	show(&world, (char *)"1", (char *)HERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_end(&world, 2);
}

static void after_a_crash_the_new_one_is_adopted_and_the_old_one_deleted(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)THERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"2", (char *)THERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_ADOPT, "2");
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_end(&world, 2);
}

static void what_was_replaced_is_deleted_in_a_later_run(void **state)
{
	static char *old[] = { (char *)"1" };
	struct world world = begin();
	struct known *known;

	(void)state;
	declare(&world, "a", (char *)THERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"2", (char *)THERE);
	known = know(&world, "a", (char *)"2");
	known->old = old;
	known->old_count = 1;
	make_plan(&world, "");
	expect_step(&world, 0, STEP_DELETE, "1");
	expect_end(&world, 1);
}

static void swapped_addresses_delete_nothing(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)THERE);
	declare(&world, "b", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"2", (char *)THERE);
	know(&world, "a", (char *)"1");
	know(&world, "b", (char *)"2");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_ADOPT, "2");
	expect_step(&world, 1, STEP_ADOPT, "1");
	expect_end(&world, 2);
}

static void a_changed_token_creates_and_then_deletes_all(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"2", (char *)HERE);	/* of unknown token: not trusted */
	strcpy(know(&world, "a", (char *)"1")->token, "old");
	make_plan(&world, "new");
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_step(&world, 2, STEP_DELETE, "2");
	expect_end(&world, 3);
}

static void a_renamed_section_is_known_by_the_id(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "new-name", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	strcpy(know(&world, "old-name", (char *)"1")->token, "same");
	make_plan(&world, "same");
	expect_step(&world, 0, STEP_ADOPT, "1");
	expect_end(&world, 1);
	make_plan(&world, "changed");
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_step(&world, 1, STEP_DELETE, "1");
	expect_end(&world, 2);
}

/* Status. */

static void not_active_is_revived(void **state)
{
	static const char *const statuses[] = { "Blacklisted", "Suspended", "SomethingNew" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world world = begin();

		declare(&world, "a", (char *)HERE);
		show(&world, (char *)"1", (char *)HERE)->status = (char *)statuses[i];
		know(&world, "a", (char *)"1");
		make_plan(&world, "");
		expect_step(&world, 0, STEP_REVIVE, "1");
		expect_end(&world, 1);
	}
}

/* Filters. */

static void other_filters_are_updated(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	world.declared[0].filter_count = 2;
	show(&world, (char *)"1", (char *)HERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_step(&world, 0, STEP_UPDATE, "1");
	expect_end(&world, 1);
}

static void disabled_filters_count_as_declared(void **state)
{
	static struct disabled_filter disabled = { fax_shown, (char *)"", (char *)"" };
	struct world world = begin();
	struct known *known;

	(void)state;
	declare(&world, "a", (char *)HERE);
	world.declared[0].filter_count = 2;
	show(&world, (char *)"1", (char *)HERE);
	known = know(&world, "a", (char *)"1");
	world.items[0].disabled = &disabled;
	world.items[0].disabled_count = 1;
	make_plan(&world, "");
	expect_end(&world, 0);
	/* The list need not tell of them, the reply to the request did. */
	world.items[0].disabled_count = 0;
	known->disabled = &disabled;
	known->disabled_count = 1;
	make_plan(&world, "");
	expect_end(&world, 0);
}

static void filters_that_the_platform_rewrites_are_known_again(void **state)
{
	static char *rewritten[] = { (char *)"/restapi/v9/rewritten" };
	struct world world = begin();
	struct known *known;

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE)->filters = rewritten;
	known = know(&world, "a", (char *)"1");
	assert_int_equal(digest_set(world.filters, 1, known->asked), 0);
	assert_int_equal(digest_set(rewritten, 1, known->answered), 0);
	make_plan(&world, "");
	expect_end(&world, 0);
	world.declared[0].filter_count = 2;
	make_plan(&world, "");
	expect_step(&world, 0, STEP_UPDATE, "1");
	expect_end(&world, 1);
}

/* Time. */

static void expect_renewal(time_t left, long lifetime, bool wanted)
{
	struct world world = begin();

	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE)->expires_at = NOW + left;
	know(&world, "a", (char *)"1")->lifetime = lifetime;
	make_plan(&world, "");
	if (wanted)
		expect_step(&world, 0, STEP_RENEW, "1");
	expect_end(&world, wanted ? 1 : 0);
}

static void near_its_end_it_is_renewed(void **state)
{
	(void)state;
	expect_renewal(3 * DAY, 7 * DAY, false);
	expect_renewal(3 * DAY - 1, 7 * DAY, true);
	expect_renewal(-1, 7 * DAY, true);
	expect_renewal(3 * DAY - 1, 0, true);		/* adopted: granted life unknown */
}

static void a_shorter_grant_makes_the_margin_shorter(void **state)
{
	(void)state;
	expect_renewal(DAY, 7 * DAY / 3, false);
	expect_renewal(DAY - 1, 7 * DAY / 3, true);
}

static void the_margin_is_never_shorter_than_two_runs(void **state)
{
	(void)state;
	expect_renewal(PLAN_RENEW_LEAST, 3600, false);
	expect_renewal(PLAN_RENEW_LEAST - 1, 3600, true);
}

static void one_that_is_listed_twice_is_no_duplicate(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_end(&world, 0);
}

static void what_a_creation_made_whose_reply_was_spoilt_is_adopted(void **state)
{
	struct world world = begin();
	struct known *known;

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"old", (char *)HERE);
	show(&world, (char *)"new", (char *)HERE)->created_at = NOW;
	known = know(&world, "a", (char *)"old");
	strcpy(known->token, "before");
	strcpy(known->creating, "now");
	known->creating_since = NOW;
	make_plan(&world, "now");
	expect_step(&world, 0, STEP_ADOPT, "new");
	expect_step(&world, 1, STEP_DELETE, "old");
	expect_end(&world, 2);
	known->creating_since = NOW + 1;	/* it is older */
	make_plan(&world, "now");
	expect_step(&world, 0, STEP_CREATE, NULL);
	expect_end(&world, 3);
}

static void the_seconds_that_the_platform_counts_matter_where_they_are_fewer(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE)->seconds_left = 3 * DAY;
	know(&world, "a", (char *)"1");
	make_plan(&world, "");
	expect_end(&world, 0);
	world.items[0].seconds_left = 3 * DAY - 1;
	make_plan(&world, "");
	expect_step(&world, 0, STEP_RENEW, "1");
	expect_end(&world, 1);
}

static void a_reminder_renews(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"id.1", (char *)HERE);	/* marks have safe names */
	know(&world, "a", (char *)"id.1");
	world.reminders[0] = (char *)"id_1";
	make_plan(&world, "");
	expect_step(&world, 0, STEP_RENEW, "id.1");
	expect_end(&world, 1);
	world.reminders[0] = (char *)"id_2";
	make_plan(&world, "");
	expect_end(&world, 0);
}

static void a_changed_lifetime_renews(void **state)
{
	struct world world = begin();

	(void)state;
	declare(&world, "a", (char *)HERE);
	show(&world, (char *)"1", (char *)HERE);
	know(&world, "a", (char *)"1")->asked_expires_in = 6 * DAY;
	make_plan(&world, "");
	expect_step(&world, 0, STEP_RENEW, "1");
	expect_end(&world, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_well_needs_no_step),
		cmocka_unit_test(an_address_may_be_written_otherwise),
		cmocka_unit_test(an_address_that_the_platform_rewrites_is_known_by_the_id),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(none_is_created),
		cmocka_unit_test(what_has_the_address_is_adopted),
		cmocka_unit_test(of_several_the_known_one_stays),
		cmocka_unit_test(of_several_an_active_one_stays_even_if_another_is_known),
		cmocka_unit_test(
			of_several_unknown_ones_the_right_filters_then_the_longest_life_stay),
		cmocka_unit_test(a_changed_address_creates_and_then_deletes),
		cmocka_unit_test(after_a_crash_the_new_one_is_adopted_and_the_old_one_deleted),
		cmocka_unit_test(what_was_replaced_is_deleted_in_a_later_run),
		cmocka_unit_test(swapped_addresses_delete_nothing),
		cmocka_unit_test(a_changed_token_creates_and_then_deletes_all),
		cmocka_unit_test(a_renamed_section_is_known_by_the_id),
		cmocka_unit_test(not_active_is_revived),
		cmocka_unit_test(other_filters_are_updated),
		cmocka_unit_test(disabled_filters_count_as_declared),
		cmocka_unit_test(filters_that_the_platform_rewrites_are_known_again),
		cmocka_unit_test(near_its_end_it_is_renewed),
		cmocka_unit_test(a_shorter_grant_makes_the_margin_shorter),
		cmocka_unit_test(the_margin_is_never_shorter_than_two_runs),
		cmocka_unit_test(one_that_is_listed_twice_is_no_duplicate),
		cmocka_unit_test(what_a_creation_made_whose_reply_was_spoilt_is_adopted),
		cmocka_unit_test(the_seconds_that_the_platform_counts_matter_where_they_are_fewer),
		cmocka_unit_test(a_reminder_renews),
		cmocka_unit_test(a_changed_lifetime_renews),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
