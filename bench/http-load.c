/* http-load: HTTP/1.1 load generator: N kept connections with one request in flight each, epoll, one thread.
 * usage: http-load -a PORT [-u PATH] [-c conns] [-t secs] [-w warm-up secs] [-n warm-up answers] [-p pid of the gateway] [-l length] [-r rate]
 * The warm-up lasts as long as both say.
 * With a rate, so many requests a second are sent behind the warm-up, and times count from when each was due: one that waits for a
 * connection is late, as it would be for its sender.
 * Each answer must be a 200 with a body of LENGTH bytes, by Content-Length or in chunks; others are counted in bad.
 * Exit status 0 only if nothing was bad or lost. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define IN_CAP 16384
#define HISTOGRAM 200000 /* microseconds */
struct conn { int fd, paced; size_t length; uint64_t sent; char in[IN_CAP + 1]; };

static const char *port = "8080", *path = "/", *pid;
static int connections = 64, measuring, stopping;
static double seconds = 4, warm_up = 2, rate;
static struct conn **idle;
static int idle_count;
static uint64_t due, period;
static long wanted = 1024, warm_up_answers;
static char request[1024];
static size_t request_length;
static uint64_t answers, all_answers, bad, lost, inflight;
static uint32_t histogram[HISTOGRAM];

static uint64_t now(void) {
	struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static double percentile(double q) {
	uint64_t sum = 0;
	for (int us = 0; us < HISTOGRAM; us++) if ((sum += histogram[us]) > answers * q) return us;
	return HISTOGRAM;
}
static double cpu_of_gateway(void) {
	char file[64], line[1024]; unsigned long user = 0, system = 0;
	snprintf(file, sizeof file, "/proc/%s/stat", pid);
	FILE *stat = fopen(file, "r");
	if (!stat) return 0;
	/* The name of the program, in brackets, may hold blanks. */
	char *rest = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
	if (rest) sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	fclose(stat);
	return (double)(user + system) / sysconf(_SC_CLK_TCK);
}
static double cpu_of_load(void) {
	struct rusage r; getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
static void dial(struct conn *c) {
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (void *)&to, sizeof to)) { perror("connect"); exit(2); }
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}
/* A closed loop: a request of some hundred bytes always fits into a socket whose last one has been answered. */
static void ask(struct conn *c, uint64_t t) {
	c->sent = t; c->length = 0; c->paced = rate > 0 && measuring; inflight++;
	if (write(c->fd, request, request_length) != (ssize_t)request_length) { perror("write"); exit(2); }
}
/* All that is due goes to connections that are idle. */
static void pace(uint64_t t) {
	for (; idle_count > 0 && due <= t; due += period) ask(idle[--idle_count], due);
}
/* The value of a header of a head that ends at `end`. */
static const char *header(const char *head, const char *end, const char *name) {
	size_t length = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, length) || line[2 + length] != ':') continue;
		line += 3 + length;
		return line + strspn(line, " ");
	}
	return NULL;
}
/* Bytes of a chunked body; -1 until its end is there. */
static long chunks(const char *p, const char *end) {
	long sum = 0;
	for (;;) {
		char *data; const char *eol = strstr(p, "\r\n");
		if (!eol) return -1;
		long size = strtol(p, &data, 16);
		if (eol + 4 + size > end) return -1;
		if (size == 0) return sum;
		sum += size; p = eol + 4 + size;
	}
}
/* Whether the answer is whole; `body` is the length of its body. */
static int whole(struct conn *c, long *body) {
	const char *end = c->in + c->length, *head_end = strstr(c->in, "\r\n\r\n"), *length;
	if (!head_end) return 0;
	if ((length = header(c->in, head_end, "content-length"))) {
		*body = atol(length);
		return end - (head_end + 4) >= *body;
	}
	return (*body = chunks(head_end + 4, end)) >= 0;
}
static void on_read(struct conn *c) {
	ssize_t got = read(c->fd, c->in + c->length, IN_CAP - c->length);
	if (got <= 0) {
		fprintf(stderr, "the connection was closed: %s\n", got ? strerror(errno) : "EOF");
		lost++; inflight--; close(c->fd); c->fd = -1;
		return;
	}
	c->in[c->length += got] = 0;
	long body = 0;
	if (!whole(c, &body)) return;
	uint64_t t = now(), us = (t - c->sent) / 1000;
	if (strncmp(c->in, "HTTP/1.1 200", 12) || body != wanted) {
		if (bad++ < 3) fprintf(stderr, "bad answer: %.200s\n", c->in);
	}
	all_answers++;
	if (measuring && (rate == 0 || c->paced)) { answers++; histogram[us < HISTOGRAM ? us : HISTOGRAM - 1]++; }
	inflight--;
	if (stopping) return;
	if (rate == 0 || !measuring) return ask(c, t);
	idle[idle_count++] = c;
	pace(t);
}
int main(int argc, char **argv) {
	int option;
	while ((option = getopt(argc, argv, "a:u:c:t:w:n:p:l:r:")) != -1) switch (option) {
		case 'a': port = optarg; break; case 'u': path = optarg; break; case 'c': connections = atoi(optarg); break;
		case 't': seconds = atof(optarg); break; case 'w': warm_up = atof(optarg); break;
		case 'n': warm_up_answers = atol(optarg); break; case 'p': pid = optarg; break; case 'l': wanted = atol(optarg); break;
		case 'r': rate = atof(optarg); break;
		default: fprintf(stderr, "usage: %s -a port [-u path] [-c conns] [-t secs] [-w warm-up] [-n answers] [-p pid] [-l length] [-r rate]\n", argv[0]); return 2; }
	request_length = snprintf(request, sizeof request,
		"GET %s HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: http-load\r\nAccept: */*\r\n\r\n", path);
	int ep = epoll_create1(0);
	struct conn *all = calloc(connections, sizeof *all);
	struct epoll_event tick = { .events = EPOLLIN, .data.ptr = NULL };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	idle = calloc(connections, sizeof *idle);
	epoll_ctl(ep, EPOLL_CTL_ADD, timer, &tick);
	for (int i = 0; i < connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };
		dial(&all[i]);
		epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &event);
	}
	uint64_t start = now() + warm_up * 1e9, begun = 0, ended = 0;
	double gateway = 0, load = 0;
	for (int i = 0; i < connections; i++) ask(&all[i], now());
	while (inflight > 0 || (rate > 0 && measuring)) {
		struct epoll_event events[256];
		int ready = epoll_wait(ep, events, 256, 20);
		for (int i = 0; i < ready; i++) if (events[i].data.ptr) on_read(events[i].data.ptr);
		uint64_t t = now(), expired;
		if (rate > 0 && measuring) { if (read(timer, &expired, sizeof expired) > 0) pace(t); }
		if (!begun && t >= start && (long)all_answers >= warm_up_answers) {
			measuring = 1; begun = t; gateway = cpu_of_gateway(); load = cpu_of_load();
			if (rate > 0) {
				due = t; period = 1e9 / rate;
				struct itimerspec every = { { period / 1000000000, period % 1000000000 }, { 0, 1 } };
				timerfd_settime(timer, 0, &every, NULL);
			}
		} else if (measuring && t >= begun + seconds * 1e9) {
			measuring = 0; stopping = 1; ended = t; gateway = cpu_of_gateway() - gateway; load = cpu_of_load() - load;
		} else if (stopping && t > ended + 1000000000ull) break;
	}
	double elapsed = (ended - begun) / 1e9;
	printf("answers=%llu answers/s=%.0f p50us=%.0f p99us=%.0f bad=%llu lost=%llu gateway_cpu=%.0f%% cpu_s_per_M=%.3f load_cpu=%.0f%%\n",
		(unsigned long long)answers, answers / elapsed, percentile(.5), percentile(.99), (unsigned long long)bad,
		(unsigned long long)(lost + inflight), 100 * gateway / elapsed, gateway / answers * 1e6, 100 * load / elapsed);
	return bad || lost || inflight ? 1 : 0;
}
