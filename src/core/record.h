/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of recordings: what writes them (record.c, record_host.c), their format
 * (record_format.c), and what reads them (replay*.c). docs/RECORDING describes the file.
 *
 * Locks: units are one at a time (record->unit, which a thread takes again inside of its own unit);
 * bytes are appended under record->bytes_lock, handles numbered under record->handles_lock. A thread
 * takes `unit` with no device's lock held, and the other two inside of anything.
 */
#ifndef AXVMM_CORE_RECORD_H
#define AXVMM_CORE_RECORD_H

#include <pthread.h>
#include <stdatomic.h>

#include <axvmm/handler.h>
#include <axvmm/record.h>
#include <axvmm/vm.h>

#include "core/list.h"

#define RECORD_MAGIC	   "AXVMMREC"
#define RECORD_VERSION	   1
#define RECORD_HEADER_SIZE 16

#define NUMBER_BYTES	 10 /* of a number at most */
#define RECORD_KEY_MAX	 63
#define RECORD_FACT_MAX	 65535
#define RECORD_FACTS_MAX 1024 /* keys: they are looked up one after the other */
#define RECORD_NAME_SIZE 32
/* Longest bytes of an input, and of an output that is kept whole; of longer ones a sum is kept. */
#define RECORD_INPUT_MAX  (1u << 20)
#define RECORD_OUTPUT_MAX 64u
/* Bytes of string I/O of one exit: a page of kvm_run. */
#define RECORD_STRING_MAX 4096u

/* What a record is. Numbered for ever. */
enum record_type {
	RECORD_FACT = 1,
	RECORD_EXIT = 2,  /* begins a unit, which RECORD_DONE ends */
	RECORD_DONE = 3,  /* verdict and answer */
	RECORD_TIMER = 4, /* these begin a unit, which RECORD_LEAVE ends */
	RECORD_WATCH = 5,
	RECORD_DEFER = 6,
	RECORD_OUTSIDE = 7,
	RECORD_LEAVE = 8,
	RECORD_INPUT = 9,
	RECORD_OUTPUT = 10,
	RECORD_END = 11
};

/* One record, taken apart. Pointers lead into the recording. */
struct record_item {
	enum record_type type;
	size_t at, next; /* offsets of the record, and of the one behind it */
	/* EXIT: io_read.bytes and io_write.bytes are `bytes`, but for reads, which have none. */
	AxVCpuExitReason exit;
	uint32_t raw;	  /* EXIT: kvm_run's exit_reason */
	uint32_t handled; /* DONE: an AxHandled */
	uint64_t answer;  /* DONE */
	int64_t error;	  /* DONE: of an SBI call */
	uint64_t id; /* TIMER, WATCH, DEFER; OUTSIDE: what; INPUT, OUTPUT: the kind; END: units */
	uint64_t where; /* INPUT, OUTPUT; WATCH: events */
	uint64_t sum;	/* OUTPUT longer than RECORD_OUTPUT_MAX */
	const uint8_t *bytes;
	size_t len;
	char name[RECORD_KEY_MAX + 1]; /* FACT: the key; TIMER to OUTSIDE: the device, or "" */
};

struct record_fact {
	char key[RECORD_KEY_MAX + 1];
	char *value;
};

/* A timer, a watch or deferred work of ours. */
struct record_handle {
	AxRecord *record;
	uint64_t id;		      /* among its owner's */
	char owner[RECORD_NAME_SIZE]; /* the device; "": not known */
	void *inner;		      /* AxTimer, AxWatch of the host behind ours; NULL: a replay */
	union {
		AxTimerFn *timer;
		AxWatchFn *watch;
		AxDeferFn *defer;
	} fn;
	void *arg;
	int fd;
};

enum record_handles { HANDLE_TIMER, HANDLE_WATCH, HANDLE_DEFER, HANDLE_KINDS };

/*
 * Whose timers, watches and deferred work are numbered together: a replay that leaves a device out finds
 * the others' as they were.
 */
struct record_owner {
	char name[RECORD_NAME_SIZE];
	uint64_t next[HANDLE_KINDS];
	struct list handles[HANDLE_KINDS]; /* a replay's: struct record_handle *, NULL: freed */
};

struct replay;

struct AxRecord {
	pthread_mutex_t unit;
	_Atomic(uintptr_t) owner; /* the thread in a unit; 0 */
	unsigned depth;		  /* of its calls; under unit */

	pthread_mutex_t bytes_lock;
	struct list facts; /* struct record_fact; under bytes_lock */
	uint8_t *buffer;   /* being made: not yet in the file, or all of it */
	size_t used, capacity;
	uint64_t size, units; /* of all that was recorded */
	int fd;		      /* -1: in memory */
	int os_errno;	      /* the first failure */
	bool finished;
	char *path;

	AxHost *host, *inner;
	pthread_mutex_t handles_lock;
	struct list owners;		 /* struct record_owner */
	char building[RECORD_NAME_SIZE]; /* ax_host_owner() */
	char current[RECORD_NAME_SIZE];	 /* whose unit it is; under unit */
	uint64_t clock;			 /* a replay's, outside of units */

	/* A replay's. */
	bool is_replay;
	char *name; /* of the recording */
	const uint8_t *bytes;
	size_t len;
	size_t end;   /* of its last unit that is whole */
	char *damage; /* what is wrong behind that; NULL: nothing */
	uint64_t unit_count;
	struct replay *replay; /* while it lasts */
};

/* The calling thread is inside of a unit. */
static inline bool record_in_unit(AxRecord *record)
{
	return atomic_load_explicit(&record->owner, memory_order_relaxed) ==
	       (uintptr_t)pthread_self();
}

/* Either kind, empty; NULL: no memory. */
AxRecord *record_alloc(void);

/* Begin a unit, which is @device's ("": not known); true: it is the outermost, which is to be written. */
bool record_begin(AxRecord *record, const char *device);
/* End it, after what ends it was written. */
void record_end(AxRecord *record);
/* The calling thread is in an outermost unit. */
static inline bool record_is_outermost(const AxRecord *record)
{
	return record->depth == 1;
}

/* Append one record. Any thread. A failure is remembered. */
void record_append(AxRecord *record, enum record_type type, const uint8_t *payload, size_t len,
		   const void *more, size_t more_len);

/* dispatch_exit()'s: before and after the handler. */
void record_exit_begin(AxVCpu *vcpu, const AxVCpuExitReason *exit);
void record_exit_end(AxVCpu *vcpu, const AxVCpuExitReason *exit, AxHandled handled,
		     uint64_t answer);

/* What goes in, or out, of a unit of a recording that is being made, or replayed. */
void record_note(AxRecord *record, enum record_type type, uint32_t kind, uint64_t where,
		 const void *bytes, size_t len);
void replay_input(AxRecord *record, uint32_t kind, uint64_t where, void *bytes, size_t len);
void replay_output(AxRecord *record, uint32_t kind, uint64_t where, const void *bytes, size_t len);

/* record_format.c: payloads. Room that the fixed part of any record needs. */
#define RECORD_PAYLOAD_MAX 512

size_t record_put_number(uint8_t *to, uint64_t value);
/* Its length, and its bytes: at most RECORD_KEY_MAX. */
size_t record_put_name(uint8_t *to, const char *name);
size_t record_put_exit(uint8_t *to, const AxVCpuExitReason *exit, uint32_t raw);
size_t record_put_signed(uint8_t *to, int64_t value);

/* A sum of bytes that are too many to be kept: FNV-1a, 64 bits. */
uint64_t record_sum(const void *bytes, size_t len);

/* Take the record at @at of @bytes apart: NULL, or what is wrong with it. */
const char *record_parse(const uint8_t *bytes, size_t len, size_t at, struct record_item *item);

/* record_text.c: one line about a record. */
void record_text(const struct record_item *item, char *line, size_t size);

/* The device that an exit goes to, by the VM's ranges: "" none. */
void record_device_of(AxVm *vm, const AxVCpuExitReason *exit, char name[RECORD_NAME_SIZE]);

/* host.c: what an embedder's services were made with, if they are these; else NULL. */
void *host_opaque_of(const AxHost *host, const AxHostOps *ops);

/* The device that a unit is for, by its first record: "" not known. */
void record_unit_name(AxVm *vm, const struct record_item *item, char name[RECORD_NAME_SIZE]);

/* record_host.c */
void record_host_fini(AxRecord *record);
/* Call what @owner has with this number, as the host would: false when there is none. */
bool record_handle_call(AxRecord *record, enum record_handles kind, const char *owner, uint64_t id,
			uint64_t events);

#endif
