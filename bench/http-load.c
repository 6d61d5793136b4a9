/* http-load: HTTP/1.1 load generator: N connections with one request in flight each, epoll, one thread.
 * usage: http-load -a PORT [-u PATH] [-c conns] [-t secs] [-w warm-up secs] [-n warm-up answers] [-p pid of the gateway] [-l length]
 *                  [-r rate] [-b bytes of a POST] [-f header fields] [-v] [-x] [-i]
 * The warm-up lasts as long as both say.
 * With a rate, so many requests a second are sent behind the warm-up, and times count from when each was due: one that waits for a
 * connection is late, as it would be for its sender.
 * -v: eight digits behind the path are other ones in each request.
 * -x: each request says Connection: close, and has a connection of its own. -i: one request on each connection, one after the other; then
 * a line is printed and all of them stay idle until the process is killed.
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
#define HISTOGRAM 2000000 /* microseconds */
/* `left`: bytes of a body that are still to come; `sent_bytes`: of the request, which `waits` for room. `answered`: only the end of the
 * connection is awaited. */
struct conn { int fd, paced, answered, waits; size_t length, sent_bytes; long left; uint64_t sent; char in[IN_CAP + 1]; };

static const char *port = "8080", *path = "/", *pid;
static int connections = 64, measuring, stopping, closes, idles, varies, fields = 3, ep;
static double seconds = 4, warm_up = 2, rate;
static struct conn **idle;
static int idle_count;
static uint64_t due, period;
static long wanted = 1024, warm_up_answers, upload = -1;
static char *request, *digits, scratch[1 << 18];
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
static void prepare(void) {
	size_t size = 1024 + fields * 64 + (upload > 0 ? upload : 0), at = 0;
	request = malloc(size);
	at += snprintf(request + at, size - at, "%s %s", upload < 0 ? "GET" : "POST", path);
	digits = request + at;
	if (varies) at += snprintf(request + at, size - at, "%08d", 0);
	at += snprintf(request + at, size - at, " HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: http-load\r\nAccept: */*\r\n");
	for (int i = 3; i < fields; i++) at += snprintf(request + at, size - at, "X-Field-%d: value-of-field-%d\r\n", i, i);
	if (upload >= 0) at += snprintf(request + at, size - at, "Content-Length: %ld\r\n", upload);
	if (closes) at += snprintf(request + at, size - at, "Connection: close\r\n");
	at += snprintf(request + at, size - at, "\r\n");
	if (upload > 0) { memset(request + at, 'x', upload); at += upload; }
	request_length = at;
}
static void dial(struct conn *c) {
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->waits = 0;
	if (connect(c->fd, (void *)&to, sizeof to)) { perror("connect"); exit(2); }
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
}
/* What of the request the kernel does not take waits for room. */
static void on_write(struct conn *c) {
	ssize_t took = send(c->fd, request + c->sent_bytes, request_length - c->sent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (took < 0 && errno != EAGAIN) return; /* reading will tell */
	if (took > 0) c->sent_bytes += took;
	int waits = c->sent_bytes < request_length;
	if (waits == c->waits) return;
	c->waits = waits;
	struct epoll_event event = { .events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &event);
}
static void vary(void) {
	static uint64_t asked;
	uint64_t number = asked++;
	for (int i = 7; i >= 0; i--, number /= 10) digits[i] = '0' + number % 10;
}
static void ask(struct conn *c, uint64_t t) {
	if (varies) vary();
	c->sent = t; c->length = c->sent_bytes = 0; c->left = 0; c->answered = 0; c->paced = rate > 0 && measuring; inflight++;
	on_write(c);
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
/* Whether the answer is whole; `body` is the length of its body. What a long one misses is counted in `left`. */
static int whole(struct conn *c, long *body) {
	const char *end = c->in + c->length, *head_end = strstr(c->in, "\r\n\r\n"), *length;
	if (!head_end) return 0;
	if ((length = header(c->in, head_end, "content-length"))) {
		*body = atol(length);
		c->left = *body - (end - (head_end + 4));
		return c->left <= 0;
	}
	return (*body = chunks(head_end + 4, end)) >= 0;
}
static void next(struct conn *c, uint64_t t) {
	inflight--;
	if (stopping) return;
	if (rate == 0 || !measuring) return ask(c, t);
	idle[idle_count++] = c;
	pace(t);
}
static void on_end(struct conn *c, ssize_t got) {
	close(c->fd); c->fd = -1;
	if (!c->answered) {
		fprintf(stderr, "the connection was closed: %s\n", got ? strerror(errno) : "EOF");
		lost++; inflight--;
		return;
	}
	if (!stopping) dial(c);
	next(c, now());
}
static void on_read(struct conn *c) {
	int inside = c->left > 0;
	ssize_t got = inside ? read(c->fd, scratch, sizeof scratch) : read(c->fd, c->in + c->length, IN_CAP - c->length);
	if (got <= 0) return on_end(c, got);
	long body = wanted;
	if (inside) {
		if ((c->left -= got) > 0) return;
	} else {
		c->in[c->length += got] = 0;
		int done = whole(c, &body);
		if (!done && c->left <= 0) return;
		if (strncmp(c->in, "HTTP/1.1 200", 12) || body != wanted) {
			if (bad++ < 3) fprintf(stderr, "bad answer: %.200s\n", c->in);
		}
		if (!done) return;
	}
	if (c->left < 0) bad++;
	uint64_t t = now(), us = (t - c->sent) / 1000;
	all_answers++;
	if (measuring && (rate == 0 || c->paced)) { answers++; histogram[us < HISTOGRAM ? us : HISTOGRAM - 1]++; }
	c->answered = 1;
	if (!closes) next(c, t);
}
/* One request on each connection; none is closed. */
static void rest(struct conn *all) {
	stopping = 1;
	for (int i = 0; i < connections; i++) {
		dial(&all[i]);
		ask(&all[i], now());
		while (inflight > 0) on_read(&all[i]);
	}
	printf("ready bad=%llu lost=%llu\n", (unsigned long long)bad, (unsigned long long)lost);
	fflush(stdout);
	for (;;) pause();
}
int main(int argc, char **argv) {
	int option;
	while ((option = getopt(argc, argv, "a:u:c:t:w:n:p:l:r:b:f:vxi")) != -1) switch (option) {
		case 'a': port = optarg; break; case 'u': path = optarg; break; case 'c': connections = atoi(optarg); break;
		case 't': seconds = atof(optarg); break; case 'w': warm_up = atof(optarg); break;
		case 'n': warm_up_answers = atol(optarg); break; case 'p': pid = optarg; break; case 'l': wanted = atol(optarg); break;
		case 'r': rate = atof(optarg); break; case 'b': upload = atol(optarg); break; case 'f': fields = atoi(optarg); break;
		case 'v': varies = 1; break; case 'x': closes = 1; break; case 'i': idles = 1; break;
		default: fprintf(stderr, "usage: %s -a port [-u path] [-c conns] [-t secs] [-w warm-up] [-n answers] [-p pid] [-l length] [-r rate] [-b bytes] [-f fields] [-v] [-x] [-i]\n", argv[0]); return 2; }
	prepare();
	ep = epoll_create1(0);
	struct conn *all = calloc(connections, sizeof *all);
	if (idles) rest(all);
	struct epoll_event tick = { .events = EPOLLIN, .data.ptr = NULL };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	idle = calloc(connections, sizeof *idle);
	epoll_ctl(ep, EPOLL_CTL_ADD, timer, &tick);
	for (int i = 0; i < connections; i++) dial(&all[i]);
	uint64_t start = now() + warm_up * 1e9, begun = 0, ended = 0;
	double gateway = 0, load = 0;
	for (int i = 0; i < connections; i++) ask(&all[i], now());
	while (inflight > 0 || (rate > 0 && measuring)) {
		struct epoll_event events[256];
		int ready = epoll_wait(ep, events, 256, 20);
		for (int i = 0; i < ready; i++) {
			struct conn *c = events[i].data.ptr;
			if (!c) continue;
			if (events[i].events & EPOLLOUT) on_write(c);
			if (events[i].events & ~EPOLLOUT) on_read(c);
		}
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
		} else if (stopping && t > ended + 5000000000ull) break;
	}
	double elapsed = (ended - begun) / 1e9;
	printf("answers=%llu answers/s=%.2f p50us=%.0f p99us=%.0f bad=%llu lost=%llu gateway_cpu=%.0f%% cpu_s_per_M=%.3f load_cpu=%.0f%%\n",
		(unsigned long long)answers, answers / elapsed, percentile(.5), percentile(.99), (unsigned long long)bad,
		(unsigned long long)(lost + inflight), 100 * gateway / elapsed, gateway / answers * 1e6, 100 * load / elapsed);
	return bad || lost || inflight ? 1 : 0;
}
