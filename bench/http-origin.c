/* http-origin: answers every request, its body behind it, with LENGTH bytes, on kept connections; epoll, one thread.
 * usage: http-origin [-l] [LENGTH]
 * Prints its port; it listens on 127.0.0.1. With -l it takes datagrams on the same port, too, as a syslog server does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAP 16384
/* `skip`: bytes of the body of a request that are still to come. `out`: where in the answer the next write begins, while it
 * `answers`; `waits`: for room. */
struct conn { int fd, answers, waits; size_t length, out; long skip; char in[IN_CAP + 1]; };

static char *answer, scratch[1 << 18];
static size_t answer_length;
static int ep;

static void prepare(int length) {
	int head = asprintf(&answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", length);
	answer = realloc(answer, answer_length = head + length);
	memset(answer + head, 'x', length);
}
static void leave(struct conn *c) { close(c->fd); free(c); }
/* Answers 0 when the peer has gone. */
static int on_write(struct conn *c) {
	ssize_t took = send(c->fd, answer + c->out, answer_length - c->out, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (took < 0 && errno != EAGAIN) return 0;
	if (took > 0) c->out += took;
	int waits = c->out < answer_length;
	if (!waits) { c->answers = 0; c->out = 0; }
	if (waits == c->waits) return 1;
	c->waits = waits;
	struct epoll_event event = { .events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &event);
	return 1;
}
/* Every request that is whole is answered, one after the other. */
static int serve(struct conn *c) {
	char *end;
	while (!c->answers && (end = strstr(c->in, "\r\n\r\n"))) {
		*end = 0;
		char *length = strcasestr(c->in, "\r\ncontent-length:");
		long body = length ? atol(length + 17) : 0;
		size_t head = end + 4 - c->in, there = c->length - head;
		long taken = (long)there < body ? (long)there : body;
		c->skip = body - taken;
		c->length -= head + taken;
		memmove(c->in, c->in + head + taken, c->length + 1);
		if (c->skip > 0) return 1;
		c->answers = 1;
		if (!on_write(c)) return 0;
	}
	return 1;
}
static int on_read(struct conn *c) {
	if (c->skip > 0) {
		ssize_t got = read(c->fd, scratch, (size_t)c->skip < sizeof scratch ? (size_t)c->skip : sizeof scratch);
		if (got <= 0) return 0;
		if ((c->skip -= got) > 0) return 1;
		c->answers = 1;
		return on_write(c);
	}
	ssize_t got = read(c->fd, c->in + c->length, IN_CAP - c->length);
	if (got <= 0) return 0;
	c->in[c->length += got] = 0;
	return serve(c);
}
static void on_accept(int listener) {
	int one = 1;
	struct conn *c = calloc(1, sizeof *c);
	if ((c->fd = accept(listener, NULL, NULL)) < 0) { free(c); return; }
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
}
static int listen_to(int type, struct sockaddr_in *at, void *mark) {
	int fd = socket(AF_INET, type, 0);
	if (bind(fd, (void *)at, sizeof *at) || (type == SOCK_STREAM && listen(fd, 4096))) { perror("listen"); exit(2); }
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = mark };
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	return fd;
}
int main(int argc, char **argv) {
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int logs = argc > 1 && !strcmp(argv[1], "-l"), datagrams = -1;
	prepare(argc > 1 + logs ? atoi(argv[1 + logs]) : 1024);
	ep = epoll_create1(0);
	int listener = listen_to(SOCK_STREAM, &at, &listener);
	getsockname(listener, (void *)&at, &size);
	if (logs) datagrams = listen_to(SOCK_DGRAM, &at, &datagrams);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		struct epoll_event events[256];
		int ready = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < ready; i++) {
			struct conn *c = events[i].data.ptr;
			if ((void *)c == &listener) on_accept(listener);
			else if ((void *)c == &datagrams) (void)!read(datagrams, scratch, sizeof scratch);
			else if (((events[i].events & EPOLLOUT) && (!on_write(c) || (!c->answers && !serve(c)))) ||
				((events[i].events & ~EPOLLOUT) && !on_read(c))) leave(c);
		}
	}
}
