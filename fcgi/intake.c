#include "intake.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RECORD_MAX = FCGI_HEADER_LEN + 0xffff + 0xff,
	FRAMING = INTAKE_PARAMS_MAX + (64 << 10),	/* PARAMS; headers of small bodies */
	MEMORY_LEAST = 64 << 20
};

/* Where a header has them (FastCGI Specification, 3.3), and a BEGIN_REQUEST (5.1). */
enum { CONTENT_LENGTH = 4, PADDING_LENGTH = 6, ROLE = 8 };

/* A record's header, decoded. */
struct header {
	unsigned version, type, id;
	size_t content;		/* bytes */
	size_t length;		/* bytes of the whole record */
};

static _Thread_local struct intake *source;	/* of this thread's libfcgi */

int OS_Read(int fd, char *buf, size_t len)
{
	size_t left = source->checked - source->fed;

	(void)fd;
	if (len > left)
		len = left;
	memcpy(buf, source->data + source->fed, len);
	source->fed += len;
	return (int)len;
}

void intake_feed(struct intake *intake)
{
	source = intake;
}

void intake_spend(struct intake *intake)
{
	intake->fed = intake->checked;
	if (intake->room) {
		free(intake->data);
		intake->data = NULL;
	}
}

bool intake_has_more(const struct intake *intake)
{
	return intake->size > intake->checked;
}

static struct header read_header(const char *data)
{
	const unsigned char *byte = (const unsigned char *)data;
	struct header header = { .version = byte[0], .type = byte[1],
		.id = (unsigned)byte[2] << 8 | byte[3],
		.content = (size_t)byte[CONTENT_LENGTH] << 8 | byte[CONTENT_LENGTH + 1] };

	header.length = FCGI_HEADER_LEN + header.content + byte[PADDING_LENGTH];
	return header;
}

static const char not_fastcgi[] = "not a request as a web server sends it";

/* Why a record may not come where it does; NULL: it may. */
static const char *fault_of(const struct intake *intake, const struct header *header)
{
	unsigned expected = intake->in_body ? FCGI_STDIN : FCGI_PARAMS;

	if (header->version != FCGI_VERSION_1 || header->id == FCGI_NULL_REQUEST_ID)
		return not_fastcgi;
	if (intake->id == 0)
		return header->type == FCGI_BEGIN_REQUEST
			&& header->content == sizeof(FCGI_BeginRequestBody) ? NULL : not_fastcgi;
	if (header->id != intake->id || header->type != expected)
		return not_fastcgi;
	if (!intake->in_body && intake->params + header->content > INTAKE_PARAMS_MAX)
		return "more than 65535 bytes of parameters";
	return NULL;
}

/* Reads the length of a name or a value; false: it is cut. */
static bool read_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
	const unsigned char *byte = *at;
	ptrdiff_t bytes = byte < end && *byte >> 7 ? 4 : 1;

	if (end - byte < bytes)
		return false;
	*length = bytes == 1 ? byte[0] : (size_t)(byte[0] & 0x7f) << 24
		| (size_t)byte[1] << 16 | (size_t)byte[2] << 8 | byte[3];
	*at += bytes;
	return true;
}

/* Whether names and values are as long as they claim.  libfcgi believes the
 * claim, asks for that much memory, and aborts where it gets none. */
static bool pairs_are_there(const struct intake *intake)
{
	const unsigned char *end = (const unsigned char *)intake->data + intake->checked;
	const unsigned char *at = end - intake->params;
	size_t name, value;

	while (at < end) {
		if (!read_length(&at, end, &name) || !read_length(&at, end, &value)
		    || name + value > (size_t)(end - at))
			return false;
		at += name + value;
	}
	return true;
}

/* Of a BEGIN_REQUEST: libfcgi itself closes what has no role that it knows. */
static bool is_for_responder(const char *record)
{
	return record[ROLE] == 0 && record[ROLE + 1] == FCGI_RESPONDER;
}

/* Moves bytes that are checked down to those before them. */
static void append(struct intake *intake, const char *from, size_t count)
{
	memmove(intake->data + intake->checked, from, count);
	intake->checked += count;
}

/* Without its padding: libfcgi takes that for a header after BEGIN_REQUEST and
 * after the end of PARAMS. */
static void keep(struct intake *intake, const struct header *header, char *record)
{
	record[PADDING_LENGTH] = 0;
	append(intake, record, FCGI_HEADER_LEN + header->content);
}

/* The same, but makes one record of all that PARAMS come in. */
static void join(struct intake *intake, const struct header *header, char *record)
{
	unsigned char *joined;

	if (intake->params == 0)
		keep(intake, header, record);
	else
		append(intake, record + FCGI_HEADER_LEN, header->content);
	intake->params += header->content;
	joined = (unsigned char *)intake->data + intake->checked - intake->params
		- FCGI_HEADER_LEN;
	joined[CONTENT_LENGTH] = (unsigned char)(intake->params >> 8);
	joined[CONTENT_LENGTH + 1] = (unsigned char)intake->params;
}

/* Takes in a record that is there in full; false: it is not FastCGI. */
static bool take(struct intake *intake, const struct header *header, char *record)
{
	bool is_end = header->content == 0;

	if (intake->id == 0) {
		if (!is_for_responder(record))
			return false;
		intake->id = (uint16_t)header->id;
	} else if (intake->in_body) {
		intake->whole = is_end;
	} else if (is_end) {
		if (!pairs_are_there(intake))
			return false;
		intake->in_body = true;
	} else {
		join(intake, header, record);
		return true;
	}
	keep(intake, header, record);
	return true;
}

static enum intake_state broken(struct intake *intake, const char *fault)
{
	intake->fault = fault;
	return INTAKE_BROKEN;
}

/* Looks at the records from *at on, as far as they are there, and moves those
 * that are kept down to the checked ones.  *at: what follows them. */
static enum intake_state check_records(struct intake *intake, size_t most, size_t *at)
{
	while (!intake->whole && intake->size - *at >= FCGI_HEADER_LEN) {
		char *record = intake->data + *at;
		struct header header = read_header(record);
		const char *fault = fault_of(intake, &header);

		if (fault)
			return broken(intake, fault);
		if (intake->size - *at < header.length)
			return INTAKE_PARTIAL;
		if (intake->in_body && header.content > 0
		    && intake->checked + header.length > most)
			intake->cut = true;
		else if (!take(intake, &header, record))
			return broken(intake, not_fastcgi);
		*at += header.length;
	}
	return intake->whole ? INTAKE_WHOLE : INTAKE_PARTIAL;
}

/* Looks at what has arrived since the last time.  What is dropped leaves a gap,
 * which is closed once for all of it. */
static enum intake_state check(struct intake *intake, size_t most)
{
	size_t at = intake->checked;
	enum intake_state state = check_records(intake, most, &at);

	if (at > intake->checked) {
		memmove(intake->data + intake->checked, intake->data + at, intake->size - at);
		intake->size -= at - intake->checked;
	}
	return state;
}

/* More room, first the intake's own; false: there is no memory. */
static bool grow(struct intake *intake, size_t most, intake_memory *memory)
{
	size_t room_most = most + RECORD_MAX, room = intake->size * 2;
	size_t budget = room_most * 4 > MEMORY_LEAST ? room_most * 4 : MEMORY_LEAST;
	char *larger;

	if (intake->size == 0) {
		intake->data = intake->own;
		return true;
	}
	if (room > room_most)
		room = room_most;
	if (atomic_fetch_add(memory, room - intake->room) + room - intake->room > budget
	    || !(larger = realloc(intake->room ? intake->data : NULL, room))) {
		atomic_fetch_sub(memory, room - intake->room);
		return false;
	}
	if (intake->room == 0)
		memcpy(larger, intake->own, intake->size);
	intake->data = larger;
	intake->room = room;
	return true;
}

static size_t room_of(const struct intake *intake)
{
	return intake->room ? intake->room : intake->data ? INTAKE_OWN_ROOM : 0;
}

enum intake_state intake_receive(struct intake *intake, int fd, size_t max_body,
	intake_memory *memory)
{
	size_t most = max_body + max_body / 8 + FRAMING;
	ssize_t got;

	if (intake->size == room_of(intake) && !grow(intake, most, memory))
		return broken(intake, "the memory for requests on their way is used up");
	got = recv(fd, intake->data + intake->size, room_of(intake) - intake->size, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return INTAKE_PARTIAL;
	if (got <= 0)
		return INTAKE_CLOSED;
	intake->size += (size_t)got;
	return check(intake, most);
}

void intake_reset(struct intake *intake, intake_memory *memory)
{
	if (intake->room) {
		atomic_fetch_sub(memory, intake->room);
		free(intake->data);
	}
	*intake = (struct intake){ .own = intake->own };
}

bool intake_works(void)
{
	static char records[] = "\1\1\0\1\0\10\0\0" "\0\1\1\0\0\0\0\0"	/* BEGIN_REQUEST */
		"\1\4\0\1\0\0\0\0";					/* PARAMS: none */
	static struct intake intake = { .data = records, .checked = sizeof records - 1 };
	FCGX_Request request;
	bool works;

	FCGX_InitRequest(&request, -1, 0);
	request.ipcFd = INT_MAX;	/* no descriptor: who reads from it fails */
	request.keepConnection = 1;
	intake_feed(&intake);
	works = FCGX_Accept_r(&request) == 0 && intake.fed == intake.checked;
	FCGX_Free(&request, 0);
	return works;
}
