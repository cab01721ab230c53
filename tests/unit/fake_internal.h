/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake KVM inside: what its files share. Tests include fake_sys.h alone.
 *
 * Everything here is called with the fake's lock held, unless it says otherwise.
 */
#ifndef AXVMM_TESTS_UNIT_FAKE_INTERNAL_H
#define AXVMM_TESTS_UNIT_FAKE_INTERNAL_H

#include "fake_sys.h"

/* Descriptors are counted up from here and never used twice: no real one is so large. */
#define FAKE_FD_BASE 1000000

enum fake_kind { FAKE_KVM, FAKE_VM, FAKE_VCPU, FAKE_VM_DEVICE, FAKE_STATS };

/* Registers and the like, as the last SET left them. */
struct fake_blob {
	struct fake_blob *next;
	unsigned long get_request;
	size_t size;
	uint8_t bytes[];
};

struct fake_one_reg {
	struct fake_one_reg *next;
	uint64_t id;
	uint64_t value;
};

struct fake_slot {
	struct fake_slot *next;
	struct kvm_userspace_memory_region region;
};

struct fake_ioeventfd {
	struct fake_ioeventfd *next;
	struct kvm_ioeventfd what;
};

struct fake_irqfd {
	struct fake_irqfd *next;
	struct kvm_irqfd what;
};

struct fake_zone {
	struct fake_zone *next;
	struct kvm_coalesced_mmio_zone zone;
};

#define FAKE_GSIS 256

/* What a descriptor stands for. */
struct fake_object {
	enum fake_kind kind;
	int fd;
	bool open;
	unsigned number;	/* of VMs and of vCPUs: in the order of creation */
	unsigned id;		/* vCPU: given to KVM_CREATE_VCPU */
	struct fake_object *vm; /* vCPU, device: its VM */
	struct fake_blob *blobs;
	struct fake_one_reg *one_regs;
	struct kvm_run *run; /* vCPU: NULL when it is not mapped */
	size_t run_size;
	bool irqchip; /* VM */
	struct fake_slot *slots;
	struct fake_ioeventfd *ioeventfds;
	struct fake_irqfd *irqfds;
	struct fake_zone *zones;
	int irq_level[FAKE_GSIS]; /* -1: never set */
};

/* fake_sys.c */
/* The thread is inside the fake, whose own allocations fake_libc.c leaves alone. */
extern _Thread_local unsigned fake_inside;
void fake_lock(void);
void fake_unlock(void);
struct fake_object *fake_new_object(enum fake_kind kind, struct fake_object *vm);
/* The open object behind a descriptor, or NULL, which is counted as a bad call. */
struct fake_object *fake_find(int fd);
/* The VM or vCPU with that number, closed or not; NULL. */
struct fake_object *fake_find_number(enum fake_kind kind, unsigned number);
/* vCPUs of a VM that are open. */
unsigned fake_vcpus_of(const struct fake_object *vm, bool *id_taken, unsigned id);

/* fake_record.c: failures, caps, the record. */
/* The errno with which a rule strikes this call; 0 none. */
int fake_strike(unsigned long request);
/* What fake_set_result() says in the place of @ret. */
int fake_result(unsigned long request, int ret);
int fake_cap(unsigned cap);
/* Note a call before it is made; fake_record_ret() notes its result. @bytes may be NULL. */
struct fake_call *fake_record(const struct fake_object *object, unsigned long request,
			      uintptr_t arg, const void *bytes, size_t size);
void fake_record_reset(void);

/* fake_state.c: blobs and single registers. */
void fake_blob_set(struct fake_object *object, unsigned long get_request, const void *bytes,
		   size_t size);
/* Copies at most @size bytes, the rest is zero; false: nothing was ever set. */
bool fake_blob_get(const struct fake_object *object, unsigned long get_request, void *bytes,
		   size_t size);
int fake_one_reg_ioctl(struct fake_object *object, unsigned long request,
		       const struct kvm_one_reg *reg);
void fake_state_free(struct fake_object *object);

/* fake_vm.c: -ENOTTY when it is none of its requests. */
int fake_vm_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg);
void fake_vm_free(struct fake_object *object);

/* fake_coalesce.c */
int fake_set_zone(struct fake_object *vm, const struct kvm_coalesced_mmio_zone *zone);
int fake_unset_zone(struct fake_object *vm, const struct kvm_coalesced_mmio_zone *zone);
void fake_zones_free(struct fake_object *vm);

/* fake_run.c */
void fake_run_reset(void);

/* fake_stats.c */
void fake_stats_reset(void);

/* <architecture>/fake_arch.c */
struct fake_pair {
	enum fake_kind kind;
	unsigned long get_request;
	unsigned long set_request;
};
extern const struct fake_pair fake_arch_pairs[];
extern const unsigned fake_arch_pair_count;
struct fake_cap_value {
	unsigned cap;
	int value;
};
extern const struct fake_cap_value fake_arch_caps[];
extern const unsigned fake_arch_cap_count;
/* Bytes of an argument with its trailing array, where _IOC_SIZE does not tell; 0: it does. */
size_t fake_arch_size(unsigned long request, const void *arg);
/* Set a new vCPU's registers to what they are after reset. */
void fake_arch_new_vcpu(struct fake_object *vcpu);
/* The guest is about to run: what was injected is taken, what KVM tells at every exit is renewed. */
void fake_arch_enter(struct fake_object *vcpu);
/* -ENOTTY when it is none of its requests. */
int fake_arch_ioctl(struct fake_object *object, unsigned long request, uintptr_t arg);

#endif
