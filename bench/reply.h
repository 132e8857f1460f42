/* What the receiver replies when it has taken an event in. */
#define REPLY "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"
