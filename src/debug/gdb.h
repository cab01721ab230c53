/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub's inside: what its files share.
 *
 * The loop's thread owns everything but what is under `lock`, which vCPUs' threads take in their
 * handlers. The VM is at rest whenever state is STOPPED, and only then are registers, memory and
 * points touched.
 */
#ifndef AXVMM_DEBUG_GDB_H
#define AXVMM_DEBUG_GDB_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/gdb.h>

#include "debug/points.h"
#include "debug/rsp.h"
#include "debug/target.h"

#define GDB_VCPUS_MAX 255

/* Frames that the peer has not taken yet: a stop, an answer, and what a monitor command says, which for
 * each vCPU is up to 2,200 characters of two digits each. */
#define GDB_QUEUE_MAX (4 * RSP_FRAME_MAX + GDB_VCPUS_MAX * 4500)

/* Signals by gdb's numbers: "Debugging with GDB", E.2. */
enum { GDB_INT = 2, GDB_ILL = 4, GDB_TRAP = 5, GDB_ABRT = 6, GDB_BUS = 10, GDB_SEGV = 11 };

enum gdb_state {
	GDB_NO_VM,
	GDB_RUNNING,
	GDB_STOPPING, /* vCPUs are being held */
	GDB_STOPPED,
};

/* How gdb has a vCPU go on. */
enum gdb_action { ACTION_NONE, ACTION_CONTINUE, ACTION_STEP };

/* What the stub knows of a vCPU. */
struct gdb_vcpu {
	AxVCpu *vcpu;
	enum gdb_action action;
	bool has_event; /* under lock: `exit` has not been told yet */
	bool is_frozen;
	AxVCpuExitReason exit;
	uint64_t counts[AX_EXIT_KINDS]; /* at the stop before */
};

struct AxGdb {
	AxHost *host;
	AxGdbConfig config;
	const struct gdb_target *target;
	char *path;    /* of a socket in the file system, which is ours; NULL */
	char *address; /* ax_gdb_address() */
	int listen_fd;
	AxWatch *listen_watch;
	AxTimer *listen_later; /* while no descriptor is left for a peer */

	/* The peer. */
	int fd; /* -1: nobody */
	AxWatch *watch;
	bool acks; /* every packet is acknowledged */
	struct rsp_in in;
	struct rsp_out out;
	size_t queued;
	char queue[GDB_QUEUE_MAX];
	size_t last_length;
	char last[RSP_FRAME_MAX]; /* the last frame, which it may want again */
	size_t input_at;	  /* bytes of `input` before this have been taken */
	size_t input_end;
	uint8_t input[4096];

	/* The VM. */
	AxVm *vm; /* NULL: between two */
	AxDebugLimits limits;
	unsigned vcpu_count;
	struct gdb_vcpu vcpus[GDB_VCPUS_MAX];
	enum gdb_state state;
	bool waits;	  /* held from its beginning, for the first peer */
	bool stop_is_due; /* gdb waits for word of the next stop */
	bool interrupted; /* it has asked for it, or has just come */
	uint8_t signal;	  /* of the last stop, and why */
	struct stop_reason reason;
	unsigned told;	  /* index of the vCPU that the last stop was about */
	unsigned general; /* Hg: index of the vCPU that registers and addresses are of */
	bool physical;	  /* "monitor phys on" */
	struct points points;
	AxTimer *timer; /* while vCPUs are held: sees the VM's end */
	pthread_t waiter;
	bool has_waiter;
	bool waiter_is_stale; /* it has been joined: what it deferred is nobody's */

	pthread_mutex_t lock;
	bool holds;	/* ax_vm_hold() is in force, once; under lock */
	bool is_armed;	/* somebody debugs: points may be set; under lock */
	bool told_loop; /* the loop is about to hear of an event; under lock */
};

/* gdb_socket.c: listen, accept, read, write. */
int gdb_listen(struct AxGdb *gdb, const char *address, AxError *err);
void gdb_close(struct AxGdb *gdb);
void gdb_unlisten(struct AxGdb *gdb);
/* Send what is in gdb->out. */
void gdb_send(struct AxGdb *gdb);
void gdb_send_raw(struct AxGdb *gdb, const char *bytes, size_t length);
/* Wait for what can be dealt with now: input, room for output. */
void gdb_watch(struct AxGdb *gdb);
/* Send the last frame again. */
void gdb_send_again(struct AxGdb *gdb);
void gdb_log(struct AxGdb *gdb, const char *format, ...) AX_PRINTF(2, 3);

/* gdb_packet.c: take bytes from the peer, until a packet has the guest run; the rest waits. */
void gdb_input(struct AxGdb *gdb);

/* gdb_run.c */
extern const AxDebugOps gdb_debug_ops;
/* Have the VM stop, and gdb_stopped() called when it has. */
void gdb_begin_stop(struct AxGdb *gdb);
/* Let vCPUs go on by their actions. 0 or a negative errno: then nothing has changed. */
int gdb_resume(struct AxGdb *gdb);
/* Let go of everything: points, steps, held vCPUs. The VM runs as if nobody had been there. */
void gdb_release(struct AxGdb *gdb);
/* The VM has stopped: tell gdb if it waits for it. */
void gdb_stopped(struct AxGdb *gdb);
/* A stop reply for what the last stop was, into gdb->out. */
void gdb_put_stop(struct AxGdb *gdb);
/* The timer's: whether the VM ends. */
void gdb_look(void *opaque);
/* Join the thread that waits for vCPUs. */
void gdb_join_waiter(struct AxGdb *gdb);

/* gdb_step.c: temporary breakpoints where a vCPU may be after one instruction. 0 or -EFAULT. */
int gdb_step_by_breakpoints(struct AxGdb *gdb, struct gdb_vcpu *vcpu);

/* gdb_data.c: packets about registers, memory and points. Each fills gdb->out. */
void gdb_read_registers(struct AxGdb *gdb);
void gdb_write_registers(struct AxGdb *gdb, struct rsp_cursor *cursor);
void gdb_read_register(struct AxGdb *gdb, struct rsp_cursor *cursor);
void gdb_write_register(struct AxGdb *gdb, struct rsp_cursor *cursor);
void gdb_read_memory(struct AxGdb *gdb, struct rsp_cursor *cursor);
void gdb_write_memory(struct AxGdb *gdb, struct rsp_cursor *cursor, bool is_binary);
void gdb_change_point(struct AxGdb *gdb, struct rsp_cursor *cursor, bool insert);
/* Bytes of guest memory as gdb is to see them, at most @length: how many from the first on. */
size_t gdb_peek(struct AxGdb *gdb, AxVCpu *vcpu, bool physical, uint64_t address, uint8_t *bytes,
		size_t length);

/* gdb_monitor.c: "monitor TEXT". Fills gdb->out; may send console output before. */
void gdb_monitor(struct AxGdb *gdb, const char *text);

/* An error that gdb shows: E and two digits. Source: E.2, the numbers are the host's errnos. */
void gdb_put_error(struct AxGdb *gdb, int error);
void gdb_put_ok(struct AxGdb *gdb);

#endif
