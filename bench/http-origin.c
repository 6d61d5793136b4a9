/* http-origin: answers every request without a body with LENGTH bytes, on kept connections; epoll, one thread.
 * usage: http-origin [LENGTH]
 * Prints its port; it listens on 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAP 8192
struct conn { int fd; size_t length; char in[IN_CAP + 1]; };

static char *answer;
static size_t answer_length;

static void prepare(int length) {
	int head = asprintf(&answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", length);
	answer = realloc(answer, answer_length = head + length);
	memset(answer + head, 'x', length);
}
static void leave(struct conn *c) { close(c->fd); free(c); }
static void on_read(struct conn *c) {
	ssize_t got = read(c->fd, c->in + c->length, IN_CAP - c->length);
	if (got <= 0) { leave(c); return; }
	c->in[c->length += got] = 0;
	for (char *end; (end = strstr(c->in, "\r\n\r\n"));) {
		if (write(c->fd, answer, answer_length) != (ssize_t)answer_length) { leave(c); return; }
		c->length -= end + 4 - c->in;
		memmove(c->in, end + 4, c->length + 1);
	}
}
int main(int argc, char **argv) {
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at; int one = 1;
	prepare(argc > 1 ? atoi(argv[1]) : 1024);
	int listener = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0);
	if (bind(listener, (void *)&at, size) || listen(listener, 1024)) { perror("listen"); return 2; }
	getsockname(listener, (void *)&at, &size);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[256];
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int ready = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < ready; i++) {
			struct conn *c = events[i].data.ptr;
			if (c) { on_read(c); continue; }
			c = calloc(1, sizeof *c);
			if ((c->fd = accept(listener, NULL, NULL)) < 0) { free(c); continue; }
			setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			event.data.ptr = c;
			epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
		}
	}
}
