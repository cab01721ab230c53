/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gdb has to know of an architecture: its registers in the order of their numbers, its breakpoint
 * instructions, what a Debug exit means. All architectures are in every build; tests anywhere cover
 * them.
 * Source: "Debugging with GDB", appendix G (target descriptions), G.5 (standard features).
 */
#ifndef AXVMM_DEBUG_TARGET_H
#define AXVMM_DEBUG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <axvmm/debug.h>
#include <axvmm/exit.h>

#include "debug/rsp.h"

/* Where a register's value is. */
enum reg_source {
	REG_NAMED,	 /* ax_vcpu_get_reg(): .from, or .name without one */
	REG_VECTOR,	 /* AxFpRegs: number .index */
	REG_X87,	 /* the same */
	REG_X87_CONTROL, /* fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop by .index */
	REG_CONTROL,	 /* AxFpRegs.control */
	REG_STATUS,	 /* AxFpRegs.status */
	REG_FCSR_FIELD,	 /* riscv64: bits of control: fflags and frm */
};

struct gdb_reg {
	const char *name; /* as gdb has it */
	uint16_t bits;
	uint8_t source;
	uint8_t index;
	const char *type;    /* NULL: int */
	const char *group;   /* NULL: none */
	const char *feature; /* begins here; NULL: as the one before */
	const char *from;
};

#define TARGET_REGS_MAX 128

/* What a Debug exit was. */
enum stop_cause {
	CAUSE_STEP,
	CAUSE_INSTRUCTION, /* a breakpoint instruction at pc */
	CAUSE_EXECUTE,	   /* a hardware breakpoint at pc */
	CAUSE_WATCH,	   /* a watchpoint: see address or index */
	CAUSE_OTHER,
};

struct stop_reason {
	enum stop_cause cause;
	uint64_t address; /* CAUSE_WATCH: what was accessed, or 0: */
	int index;	  /* which of the points it was; -1 unknown */
};

struct gdb_target {
	const char *name;     /* ax_arch_name() */
	const char *gdb_name; /* <architecture> */
	const struct gdb_reg *regs;
	unsigned count;
	unsigned pc;	   /* number in regs */
	const char *types; /* of the feature that has vectors: XML; "" */
	/* The breakpoint instruction for what Z0 says as kind: its bytes; 0: there is none. */
	size_t (*breakpoint)(uint64_t kind, uint8_t bytes[4]);
	void (*reason)(const AxExitDebug *debug, struct stop_reason *reason);
	bool watch_is_after; /* watchpoints stop behind their instruction */
};

extern const struct gdb_target gdb_target_x86_64;
extern const struct gdb_target gdb_target_arm64;
extern const struct gdb_target gdb_target_riscv64;

/* By ax_arch_name(); NULL: unknown. */
const struct gdb_target *gdb_target_find(const char *name);

/* target.xml, from @offset on, at most @length bytes of it; *more: there are some behind. */
void target_xml(const struct gdb_target *target, size_t offset, size_t length, struct rsp_out *out,
		bool *more);

/* All registers of a vCPU, as far as they can be read. */
struct reg_file {
	uint64_t named[TARGET_REGS_MAX];
	bool known[TARGET_REGS_MAX];
	AxFpRegs fp;
};

/* Bytes of a register. */
static inline size_t reg_bytes(const struct gdb_reg *reg)
{
	return (reg->bits + 7u) / 8;
}

/* A register's bytes as gdb wants them, out of @file. Not for one that is not known. */
void reg_pack(const struct gdb_reg *reg, unsigned number, const struct reg_file *file,
	      uint8_t bytes[16]);

/* The reverse. */
void reg_unpack(const struct gdb_reg *reg, unsigned number, const uint8_t bytes[16],
		struct reg_file *file);

/* The name by which ax_vcpu_get_reg() knows it. */
static inline const char *reg_name(const struct gdb_reg *reg)
{
	return reg->from ? reg->from : reg->name;
}

#endif
