/* spop-load: raw SPOP load generator (HAPROXY side of SPOP 2.0), closed loop or at a rate, epoll, one thread.
 * usage: spopload -a HOST:PORT|/unix/path [-c conns] [-d depth] [-t secs] [-w warm-up secs] [-p agent-pid[,pid..]]
 *                 [-m message] [-8 | -A count] [-R rate] [-e] [-n] [-r]
 *   -8  eight mixed arguments (ipv4, ipv6, 3 strings incl. 200 bytes, bool, int32, int64) instead of one ipv4
 *   -A  so many arguments behind the ipv4: of each four, two texts that stay, one that is another each time, and an int32
 *   -R  so many NOTIFYs a second, evenly, each on the next connection; times are counted from when each was due
 *   -e  require that each ACK sets sess/txn var ip_score (counted in bad otherwise)
 *   -n  do not announce pipelining (capabilities "")
 *   -r  the other end is a raw echo: it answers HELLO and every NOTIFY with themselves
 * exit status 0 only if nothing was bad or lost. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef unsigned char u8;
struct slot { uint64_t sid, fid, t0; int busy; };
struct conn { int fd, want_out, dead; struct slot *s; uint64_t seq; u8 *in; size_t inlen; u8 *out; size_t outpos, outlen, outcap; int inflight; };

#define INCAP (1 << 18)
#define SUB 64
static uint64_t hist[64 * SUB];
static int depth = 20, nconn = 1, mixed, expect, nopipe, raw, stopping, measuring;
static double secs = 3, warm = 0.5;
static const char *addr = "127.0.0.1:9000", *msgname = "check-client-ip";
static uint64_t acks, acks_all, bad, actions, sent, lat_max, rdcalls, wrcalls;
static char caps[128] = "?"; static uint64_t mfs;
static u8 payload[16000]; static size_t paylen, ipoff, varying[256]; static int extra, nvarying; static double rate;

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static u8 *pv(u8 *p, uint64_t v) {
	if (v < 240) { *p++ = v; return p; }
	*p++ = v | 240; v = (v - 240) >> 4;
	while (v >= 128) { *p++ = v | 128; v = (v - 128) >> 7; }
	*p++ = v; return p;
}
static const u8 *gv(const u8 *p, const u8 *e, uint64_t *o) {
	if (p >= e) return NULL;
	uint64_t v = *p++; int r = 4;
	if (v >= 240) { for (;;) { if (p >= e || r > 60) return NULL; u8 b = *p++; v += (uint64_t)b << r; r += 7; if (b < 128) break; } }
	*o = v; return p;
}
static u8 *ps(u8 *p, const void *s, size_t n) { p = pv(p, n); memcpy(p, s, n); return p + n; }
static u8 *pz(u8 *p, const char *s) { return ps(p, s, strlen(s)); }
static void rec(uint64_t ns) {
	if (ns > lat_max) lat_max = ns;
	int b = ns < SUB ? 0 : 63 - __builtin_clzll(ns) - 5;       /* b = shift */
	int sh = b > 0 ? b : 0;
	hist[sh * SUB + (sh ? (ns >> sh) & (SUB - 1) : ns)]++;
}
static double pct(double q) {
	uint64_t t = 0, c = 0; for (int i = 0; i < 64 * SUB; i++) t += hist[i];
	uint64_t want = (uint64_t)(t * q); if (want >= t && t) want = t - 1;
	for (int i = 0; i < 64 * SUB; i++) if ((c += hist[i]) > want) { int sh = i / SUB; uint64_t v = ((uint64_t)(i % SUB)) << sh; return (v + (sh ? (1ull << sh) / 2 : 0)) / 1e3; }
	return 0;
}
static double cpu_of(const char *pids) {
	double sum = 0; char b[256]; if (!pids) return 0; snprintf(b, sizeof b, "%s", pids);
	for (char *t = strtok(b, ","); t; t = strtok(NULL, ",")) {
		char f[64], l[1024]; snprintf(f, sizeof f, "/proc/%s/stat", t); FILE *h = fopen(f, "r"); if (!h) continue;
		if (fgets(l, sizeof l, h)) { char *p = strrchr(l, ')'); unsigned long u, s; if (p && sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) == 2) sum += (double)(u + s) / sysconf(_SC_CLK_TCK); }
		fclose(h);
	}
	return sum;
}
static double busy_cpu(void) { /* user+nice+sys+irq+softirq+steal, whole machine, seconds */
	unsigned long long u=0,n=0,s=0,i=0,w=0,q=0,sq=0,st=0; FILE *h = fopen("/proc/stat", "r"); if (!h) return 0;
	if (fscanf(h, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &u,&n,&s,&i,&w,&q,&sq,&st) < 4) u = 0;
	fclose(h); return (double)(u+n+s+q+sq+st) / sysconf(_SC_CLK_TCK);
}
static double self_cpu(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6; }
static int dial(void) {
	int fd;
	if (addr[0] == '/') {
		struct sockaddr_un u = { .sun_family = AF_UNIX }; snprintf(u.sun_path, sizeof u.sun_path, "%s", addr);
		fd = socket(AF_UNIX, SOCK_STREAM, 0); if (connect(fd, (void *)&u, sizeof u)) { perror("connect"); exit(2); }
	} else {
		char h[64]; snprintf(h, sizeof h, "%s", addr); char *c = strrchr(h, ':'); if (!c) { fprintf(stderr, "bad address\n"); exit(2); } *c = 0;
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(c + 1)) }; inet_pton(AF_INET, h, &a.sin_addr);
		fd = socket(AF_INET, SOCK_STREAM, 0); if (connect(fd, (void *)&a, sizeof a)) { perror("connect"); exit(2); }
		int one = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	return fd;
}
static void hello(int fd, int id) {
	u8 b[512], *p = b + 4; char eng[64]; snprintf(eng, sizeof eng, "00000000-0000-4000-8000-%012d", id);
	*p++ = 1; memcpy(p, "\0\0\0\1", 4); p += 4; *p++ = 0; *p++ = 0;
	p = pz(p, "supported-versions"); *p++ = 8; p = pz(p, "2.0");
	p = pz(p, "max-frame-size"); *p++ = 3; p = pv(p, 16380);
	p = pz(p, "capabilities"); *p++ = 8; p = pz(p, nopipe ? "" : "pipelining");
	p = pz(p, "engine-id"); *p++ = 8; p = pz(p, eng);
	uint32_t n = htonl(p - b - 4); memcpy(b, &n, 4); if (write(fd, b, p - b) != p - b) { perror("hello"); exit(2); }
	u8 r[20000]; size_t g = 0, need = 4;
	while (g < need) { ssize_t k = read(fd, r + g, need - g); if (k <= 0) { fprintf(stderr, "hello: connection closed by agent\n"); exit(2); } g += k; if (g == 4 && need == 4) { memcpy(&n, r, 4); need = 4 + ntohl(n); if (need > sizeof r) exit(2); } }
	if (raw) return;
	if (r[4] != 101) { fprintf(stderr, "hello: frame type %d\n", r[4]); exit(2); }
	const u8 *q = r + 9, *e = r + need; uint64_t v;
	q = gv(q, e, &v); if (q) q = gv(q, e, &v);
	while (q && q < e) {
		uint64_t kl; q = gv(q, e, &kl); if (!q || q + kl >= e) break; const u8 *k = q; q += kl; int t = *q++ & 15;
		if (t == 8 || t == 9) { uint64_t sl; q = gv(q, e, &sl); if (!q || q + sl > e) break; if (kl == 12 && !memcmp(k, "capabilities", 12)) snprintf(caps, sizeof caps, "%.*s", (int)sl, q); q += sl; }
		else if (t >= 2 && t <= 5) { q = gv(q, e, &v); if (kl == 14 && !memcmp(k, "max-frame-size", 14)) mfs = v; }
		else if (t == 6) q += 4; else if (t == 7) q += 16;
	}
}
static void build(void) {
	u8 *p = payload; p = pz(p, msgname); *p++ = mixed ? 8 : 1 + extra;
	p = pz(p, "ip"); *p++ = 6; ipoff = p - payload; memcpy(p, "\x0a\x00\x00\x01", 4); p += 4;
	if (mixed) {
		char h[201]; memset(h, 0, sizeof h); while (strlen(h) < 200) { size_t l = strlen(h); snprintf(h + l, sizeof h - l, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"); }
		u8 six[16] = { 0x20, 1, 0x0d, 0xb8, 0,0,0,0,0,0,0,0,0,0,0,1 };
		p = pz(p, "dst"); *p++ = 7; memcpy(p, six, 16); p += 16;
		p = pz(p, "method"); *p++ = 8; p = pz(p, "GET");
		p = pz(p, "path"); *p++ = 8; p = pz(p, "/api/v1/customers/42/orders?page=3&size=20");
		p = pz(p, "hdrs"); *p++ = 8; p = ps(p, h, 200);
		p = pz(p, "ssl"); *p++ = 0x11;
		p = pz(p, "port"); *p++ = 2; p = pv(p, 443);
		p = pz(p, "bytes"); *p++ = 4; p = pv(p, 5000000000ull);
	}
	for (int i = 0; i < extra; i++) {
		char name[16]; snprintf(name, sizeof name, "a%d", i); p = pz(p, name);
		if (i % 4 == 3) { *p++ = 2; p = pv(p, 1000 + i); continue; }
		*p++ = 8; p = pz(p, i % 4 == 0 ? "gzip, deflate, br" : i % 4 == 1 ? "en-GB,en" : "request-00000000");
		if (i % 4 == 2) varying[nvarying++] = p - 8 - payload;
	}
	paylen = p - payload;
}
static void put(struct conn *c, int slot, uint64_t t) {
	struct slot *s = &c->s[slot]; uint64_t q = c->seq++;
	s->sid = 1000 + (s->sid >= 1000 ? (s->sid - 1000) / depth + 1 : 0) * depth + slot; s->fid = 1 + q % 7; s->t0 = t; s->busy = 1;
	if (c->outlen + paylen + 40 > c->outcap) {
		if (c->outpos) { memmove(c->out, c->out + c->outpos, c->outlen - c->outpos); c->outlen -= c->outpos; c->outpos = 0; }
		while (c->outlen + paylen + 40 > c->outcap) c->out = realloc(c->out, c->outcap *= 2);
	}
	u8 *b = c->out + c->outlen, *p = b + 4; *p++ = 3; memcpy(p, "\0\0\0\1", 4); p += 4; p = pv(p, s->sid); p = pv(p, s->fid);
	memcpy(p, payload, paylen); p[ipoff + 2] = q >> 8; p[ipoff + 3] = q;
	for (int i = 0; i < nvarying; i++) for (int k = 0; k < 8; k++) p[varying[i] + k] = '0' + ((q * 31 + i) >> (4 * (7 - k)) & 7);
	p += paylen;
	uint32_t n = htonl(p - b - 4); memcpy(b, &n, 4); c->outlen += p - b; c->inflight++; sent++;
}
static int ep;
static void flush(struct conn *c) {
	while (c->outpos < c->outlen) {
		ssize_t k = write(c->fd, c->out + c->outpos, c->outlen - c->outpos); wrcalls++;
		if (k < 0) { if (errno == EAGAIN) break; if (errno == EINTR) continue; perror("write"); c->dead = 1; return; }
		c->outpos += k;
	}
	int w = c->outpos < c->outlen; if (!w) c->outpos = c->outlen = 0;
	if (w != c->want_out) { struct epoll_event ev = { .events = EPOLLIN | (w ? EPOLLOUT : 0), .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev); c->want_out = w; }
}
static int has_score(const u8 *p, const u8 *e) { /* one set-var action, name ip_score, integer */
	uint64_t v = 0; if (e - p < 13 || p[0] != 1 || p[1] != 3) return 0;
	if (p[3] != 8 || memcmp(p + 4, "ip_score", 8)) return 0;
	int t = p[12] & 15; if (t < 2 || t > 5) return 0;
	return gv(p + 13, e, &v) == e && v <= 100;
}
static void frame(struct conn *c, const u8 *p, const u8 *e, uint64_t t) {
	uint64_t sid, fid; int type = *p;
	if (type == 102) { fprintf(stderr, "agent sent DISCONNECT:"); for (const u8 *q = p; q < e; q++) fputc(*q >= 32 && *q < 127 ? *q : '.', stderr); fputc('\n', stderr); c->dead = 1; return; }
	const u8 *q = e - p > 6 ? gv(p + 5, e, &sid) : NULL; if (q) q = gv(q, e, &fid);
	if (!q || type != (raw ? 3 : 103) || p[4] != 1) { bad++; if (bad < 4) fprintf(stderr, "bad frame type %d\n", type); return; }
	struct slot *s = sid >= 1000 ? &c->s[(sid - 1000) % depth] : NULL;
	if (!s || !s->busy || s->sid != sid || s->fid != fid) { bad++; if (bad < 4) fprintf(stderr, "unexpected ACK %llu/%llu\n", (unsigned long long)sid, (unsigned long long)fid); return; }
	if (q < e) actions++;
	if (expect && !has_score(q, e)) { bad++; if (bad < 4) { fprintf(stderr, "ACK without ip_score:"); for (; q < e; q++) fprintf(stderr, " %02x", *q); fputc('\n', stderr); } }
	s->busy = 0; c->inflight--; acks_all++;
	if (measuring) { acks++; rec(t - s->t0); }
	if (!stopping && rate == 0) put(c, s - c->s, t);
}
static void on_read(struct conn *c) {
	ssize_t k = read(c->fd, c->in + c->inlen, INCAP - c->inlen); rdcalls++;
	if (k < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (k <= 0) { fprintf(stderr, "agent closed the connection (%d in flight): %s\n", c->inflight, k ? strerror(errno) : "EOF"); c->dead = 1; return; }
	uint64_t t = now(); c->inlen += k; size_t o = 0;
	while (c->inlen - o >= 4) {
		uint32_t n; memcpy(&n, c->in + o, 4); n = ntohl(n);
		if (n > 16380 || n < 7) { fprintf(stderr, "bad frame length %u\n", n); bad++; c->dead = 1; return; }
		if (c->inlen - o - 4 < n) break;
		frame(c, c->in + o + 4, c->in + o + 4 + n, t); o += 4 + n; if (c->dead) return;
	}
	if (o) { memmove(c->in, c->in + o, c->inlen - o); c->inlen -= o; }
	flush(c);
}
/* Sends what is due at t, each on the next connection that has room. Answers when the next one is due. */
static uint64_t send_due(struct conn *cs, uint64_t due, uint64_t t) {
	static int next;
	for (; due <= t; due += 1e9 / rate) {
		struct conn *c = NULL;
		for (int tries = 0; tries < nconn && !c; tries++) { struct conn *x = &cs[next++ % nconn]; if (!x->dead && x->inflight < depth) c = x; }
		if (!c) return due;
		int slot = 0; while (c->s[slot].busy) slot++;
		put(c, slot, due); flush(c);
	}
	return due;
}
int main(int argc, char **argv) {
	int o; const char *pids = NULL;
	while ((o = getopt(argc, argv, "a:c:d:t:w:m:p:A:R:8enr")) != -1) switch (o) {
		case 'a': addr = optarg; break; case 'c': nconn = atoi(optarg); break; case 'd': depth = atoi(optarg); break; case 't': secs = atof(optarg); break; case 'w': warm = atof(optarg); break;
		case 'm': msgname = optarg; break; case 'p': pids = optarg; break; case '8': mixed = 1; break; case 'A': extra = atoi(optarg); break; case 'R': rate = atof(optarg); break; case 'e': expect = 1; break; case 'n': nopipe = 1; break; case 'r': raw = 1; break;
		default: fprintf(stderr, "usage: %s -a host:port [-c conns] [-d depth] [-t secs] [-w warm] [-p pid,..] [-m msg] [-8 | -A count] [-R rate] [-e] [-n] [-r]\n", argv[0]); return 2; }
	if (extra < 0 || extra > 254) { fprintf(stderr, "-A: 0 to 254\n"); return 2; }
	struct rlimit files; if (!getrlimit(RLIMIT_NOFILE, &files)) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
	build(); ep = epoll_create1(0);
	struct conn *cs = calloc(nconn, sizeof *cs);
	for (int i = 0; i < nconn; i++) {
		struct conn *c = &cs[i]; c->fd = dial(); hello(c->fd, i + 1); fcntl(c->fd, F_SETFL, O_NONBLOCK);
		c->s = calloc(depth, sizeof *c->s); c->in = malloc(INCAP); c->out = malloc(c->outcap = 1 << 16);
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c }; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	}
	uint64_t t0 = now(), tm = t0 + warm * 1e9, te = tm + secs * 1e9, ts = 0, tend = 0; double c0 = 0, c1 = 0, s0 = 0, s1 = 0, b0 = 0, b1 = 0;
	if (rate == 0) for (int i = 0; i < nconn; i++) { for (int d = 0; d < depth; d++) put(&cs[i], d, now()); flush(&cs[i]); }
	uint64_t due = t0;
	for (;;) {
		if (rate > 0 && !stopping) { /* epoll_wait counts in milliseconds */
			uint64_t t = now(); if (due > t) { struct timespec left = { 0, due - t < 20000000 ? due - t : 20000000 }; struct pollfd p = { .fd = ep, .events = POLLIN }; ppoll(&p, 1, &left, NULL); }
			due = send_due(cs, due, now());
		}
		struct epoll_event ev[256]; int n = epoll_wait(ep, ev, 256, rate > 0 && !stopping ? 0 : 20);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr; if (c->dead) continue;
			if (ev[i].events & EPOLLOUT) flush(c);
			if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_read(c);
			if (c->dead) epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
		}
		uint64_t t = now();
		if (!measuring && !stopping && t >= tm) { measuring = 1; ts = t; c0 = cpu_of(pids); s0 = self_cpu(); b0 = busy_cpu(); rdcalls = wrcalls = 0; }
		else if (measuring && t >= te) { measuring = 0; stopping = 1; tend = t; c1 = cpu_of(pids); s1 = self_cpu(); b1 = busy_cpu(); }
		if (stopping) { int f = 0; for (int i = 0; i < nconn; i++) if (!cs[i].dead) f += cs[i].inflight; if (!f || t > tend + 1000000000ull) break; }
	}
	int lost = 0, dead = 0; for (int i = 0; i < nconn; i++) { lost += cs[i].inflight; dead += cs[i].dead; }
	for (int i = 0; i < nconn; i++) if (!cs[i].dead) { /* HAPROXY-DISCONNECT */
		u8 b[128], *p = b + 4; *p++ = 2; memcpy(p, "\0\0\0\1", 4); p += 4; *p++ = 0; *p++ = 0; p = pz(p, "status-code"); *p++ = 3; *p++ = 0; p = pz(p, "message"); *p++ = 8; p = pz(p, "normal");
		uint32_t n = htonl(p - b - 4); memcpy(b, &n, 4); if (write(cs[i].fd, b, p - b) < 0) {} }
	double el = (tend - ts) / 1e9, cpu = c1 - c0;
	printf("agent=%s caps=%s conns=%d depth=%d args=%d secs=%.2f acks=%llu acks/s=%.0f p50us=%.1f p99us=%.1f maxus=%.0f actions=%llu bad=%llu lost=%d dead=%d load_cpu=%.0f%%", addr, caps[0] ? caps : "-", nconn, depth, mixed ? 8 : 1 + extra, el, (unsigned long long)acks, acks / el, pct(.5), pct(.99), lat_max / 1e3, (unsigned long long)actions, (unsigned long long)bad, lost, dead, 100 * (s1 - s0) / el);
	if (pids) printf(" agent_cpu=%.0f%% cpu_s_per_M=%.3f other_cpu=%.0f%%", 100 * cpu / el, acks ? cpu / acks * 1e6 : 0, 100 * (b1 - b0 - (s1 - s0) - cpu) / el);
	printf(" load_rd/ack=%.3f load_wr/ack=%.3f\n", acks ? (double)rdcalls / acks : 0, acks ? (double)wrcalls / acks : 0);
	return bad || lost || dead ? 1 : 0;
}
