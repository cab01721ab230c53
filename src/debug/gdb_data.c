/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers, memory and points, as gdb asks for them. The VM is at rest.
 */
#include <errno.h>
#include <string.h>

#include "debug/gdb.h"

#define PAGE 4096

static AxVCpu *general(const struct AxGdb *gdb)
{
	return gdb->vcpus[gdb->general].vcpu;
}

static bool is_fp(const struct gdb_reg *reg)
{
	return reg->source != REG_NAMED;
}

/* What of @first to @last can be read. */
static void read_file(struct AxGdb *gdb, struct reg_file *file, unsigned first, unsigned last)
{
	AxVCpu *vcpu = general(gdb);
	bool fp_known = false, fp_tried = false;

	memset(file, 0, sizeof(*file));
	file->fp = (AxFpRegs)AX_FP_REGS_INIT;
	for (unsigned i = first; i <= last; i++) {
		const struct gdb_reg *reg = &gdb->target->regs[i];

		if (!is_fp(reg)) {
			file->known[i] =
				!ax_vcpu_get_reg(vcpu, reg_name(reg), &file->named[i], NULL);
			continue;
		}
		if (!fp_tried)
			fp_known = !ax_vcpu_get_fp(vcpu, &file->fp, NULL);
		fp_tried = true;
		file->known[i] = fp_known;
	}
}

static void put_register(struct AxGdb *gdb, const struct reg_file *file, unsigned number)
{
	const struct gdb_reg *reg = &gdb->target->regs[number];
	uint8_t bytes[16];

	if (!file->known[number]) {
		rsp_unknown(&gdb->out, reg_bytes(reg));
		return;
	}
	reg_pack(reg, number, file, bytes);
	rsp_hex(&gdb->out, bytes, reg_bytes(reg));
}

void gdb_read_registers(struct AxGdb *gdb)
{
	struct reg_file file;

	read_file(gdb, &file, 0, gdb->target->count - 1);
	for (unsigned i = 0; i < gdb->target->count; i++)
		put_register(gdb, &file, i);
}

void gdb_read_register(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	struct reg_file file;
	uint64_t number;

	if (!rsp_take_number(cursor, &number) || cursor->at != cursor->end ||
	    number >= gdb->target->count) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	read_file(gdb, &file, (unsigned)number, (unsigned)number);
	put_register(gdb, &file, (unsigned)number);
}

/* One that cannot be written keeps its value; gdb shows what it reads back. */
static int write_one(struct AxGdb *gdb, struct reg_file *file, unsigned number)
{
	const struct gdb_reg *reg = &gdb->target->regs[number];

	if (is_fp(reg))
		return ax_vcpu_set_fp(general(gdb), &file->fp, NULL);
	return ax_vcpu_set_reg(general(gdb), reg_name(reg), file->named[number], NULL);
}

void gdb_write_register(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	uint8_t bytes[16] = { 0 };
	struct reg_file file;
	uint64_t number;
	int ret;

	if (!rsp_take_number(cursor, &number) || number >= gdb->target->count ||
	    !rsp_take_char(cursor, '=') ||
	    !rsp_take_hex(cursor, bytes, reg_bytes(&gdb->target->regs[number])) ||
	    cursor->at != cursor->end) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	read_file(gdb, &file, (unsigned)number, (unsigned)number);
	if (!file.known[number]) {
		gdb_put_error(gdb, EIO);
		return;
	}
	reg_unpack(&gdb->target->regs[number], (unsigned)number, bytes, &file);
	ret = write_one(gdb, &file, (unsigned)number);
	if (ret)
		gdb_put_error(gdb, -ret);
	else
		gdb_put_ok(gdb);
}

void gdb_write_registers(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	struct reg_file file, before;
	bool changes_fp = false;

	read_file(gdb, &before, 0, gdb->target->count - 1);
	file = before;
	for (unsigned i = 0; i < gdb->target->count; i++) {
		const struct gdb_reg *reg = &gdb->target->regs[i];
		uint8_t bytes[16] = { 0 };

		if (rsp_take_hex(cursor, bytes, reg_bytes(reg))) {
			reg_unpack(reg, i, bytes, &file);
		} else if ((size_t)(cursor->end - cursor->at) >= 2 * reg_bytes(reg)) {
			/* "xx": leave it. */
			cursor->at += 2 * reg_bytes(reg);
		} else if (cursor->at == cursor->end) {
			break;
		} else {
			gdb_put_error(gdb, EINVAL);
			return;
		}
	}
	for (unsigned i = 0; i < gdb->target->count; i++) {
		if (is_fp(&gdb->target->regs[i]))
			changes_fp = true;
		else if (before.known[i] && file.named[i] != before.named[i])
			write_one(gdb, &file, i);
	}
	/* Both come of one read; were padding to differ, it would be written for nothing. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): see above */
	if (changes_fp && memcmp(&file.fp, &before.fp, sizeof(file.fp)) != 0)
		ax_vcpu_set_fp(general(gdb), &file.fp, NULL);
	gdb_put_ok(gdb);
}

/* Where the page piece at @address is. */
static bool locate(struct AxGdb *gdb, AxVCpu *vcpu, bool physical, uint64_t address,
		   AxGuestPhysAddr *gpa)
{
	(void)gdb;
	*gpa = address;
	return physical || !ax_vcpu_translate(vcpu, address, gpa, NULL);
}

size_t gdb_peek(struct AxGdb *gdb, AxVCpu *vcpu, bool physical, uint64_t address, uint8_t *bytes,
		size_t length)
{
	size_t done = 0;

	while (done < length) {
		size_t piece = PAGE - (size_t)((address + done) % PAGE);
		AxGuestPhysAddr gpa;

		if (piece > length - done)
			piece = length - done;
		if (!locate(gdb, vcpu, physical, address + done, &gpa) ||
		    ax_mem_read(gdb->vm, gpa, bytes + done, piece))
			break;
		soft_hide(&gdb->points, gpa, bytes + done, piece);
		done += piece;
	}
	return done;
}

void gdb_read_memory(struct AxGdb *gdb, struct rsp_cursor *cursor)
{
	uint8_t bytes[RSP_PACKET_MAX / 2];
	uint64_t address, length;
	size_t done;

	if (!rsp_take_number(cursor, &address) || !rsp_take_char(cursor, ',') ||
	    !rsp_take_number(cursor, &length) || cursor->at != cursor->end) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	if (length > sizeof(bytes))
		length = sizeof(bytes);
	done = gdb_peek(gdb, general(gdb), gdb->physical, address, bytes, (size_t)length);
	if (length && !done)
		gdb_put_error(gdb, EFAULT);
	else
		rsp_hex(&gdb->out, bytes, done);
}

/* All of it or nothing, as far as pages go. */
static int poke(struct AxGdb *gdb, uint64_t address, const uint8_t *bytes, size_t length)
{
	for (unsigned writes = 0; writes < 2; writes++) {
		for (size_t done = 0, piece; done < length; done += piece) {
			AxGuestPhysAddr gpa;
			uint8_t ignored;

			piece = PAGE - (size_t)((address + done) % PAGE);
			if (piece > length - done)
				piece = length - done;
			if (!locate(gdb, general(gdb), gdb->physical, address + done, &gpa) ||
			    ax_mem_read(gdb->vm, gpa, &ignored, 1))
				return -EFAULT;
			if (writes && write_code(gdb->vm, gpa, bytes + done, piece))
				return -EFAULT;
		}
	}
	return 0;
}

void gdb_write_memory(struct AxGdb *gdb, struct rsp_cursor *cursor, bool is_binary)
{
	uint8_t bytes[RSP_PACKET_MAX];
	uint64_t address, length;
	int ret;

	if (!rsp_take_number(cursor, &address) || !rsp_take_char(cursor, ',') ||
	    !rsp_take_number(cursor, &length) || !rsp_take_char(cursor, ':') ||
	    length > sizeof(bytes)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	if (is_binary ? (size_t)(cursor->end - cursor->at) != length
		      : !rsp_take_hex(cursor, bytes, (size_t)length) || cursor->at != cursor->end) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	if (is_binary && length)
		memcpy(bytes, cursor->at, (size_t)length);
	soft_lift(&gdb->points, gdb->vm);
	ret = poke(gdb, address, bytes, (size_t)length);
	soft_place(&gdb->points, gdb->vm);
	if (ret)
		gdb_put_error(gdb, -ret);
	else
		gdb_put_ok(gdb);
}

/* Z0 where there is no instruction for it takes a register of the processor. */
static int change_soft(struct AxGdb *gdb, uint64_t address, uint64_t kind, bool insert)
{
	AxDebugPoint stand_in = { .address = address, .kind = AX_DEBUG_EXECUTE, .length = 1 };
	uint8_t insn[4];
	size_t length = gdb->target->breakpoint(kind, insn);

	if (!length)
		return -EINVAL;
	if (!gdb->limits.has_instructions) {
		if (insert)
			return hard_insert(&gdb->points, &stand_in, &gdb->limits);
		hard_remove(&gdb->points, &stand_in);
		return 0;
	}
	if (insert)
		return soft_insert(&gdb->points, general(gdb), address, insn, length, false);
	soft_remove(&gdb->points, gdb->vm, address);
	return 0;
}

static int change_hard(struct AxGdb *gdb, uint64_t type, uint64_t address, uint64_t length,
		       bool insert)
{
	/* Z1 to Z4: E.2. */
	static const uint32_t kinds[] = { AX_DEBUG_EXECUTE, AX_DEBUG_WRITE, AX_DEBUG_READ,
					  AX_DEBUG_ACCESS };
	AxDebugPoint point = { .address = address,
			       .kind = kinds[type - 1],
			       .length = (uint32_t)length };

	/* x86-64 has no watch for reads alone: what gdb calls so is one for accesses, too. */
	if (type == 1) {
		point.length = 1;
	} else if ((length != 1 && length != 2 && length != 4 && length != 8) || address % length) {
		return -EINVAL;
	}
	if (insert)
		return hard_insert(&gdb->points, &point, &gdb->limits);
	hard_remove(&gdb->points, &point);
	return 0;
}

void gdb_change_point(struct AxGdb *gdb, struct rsp_cursor *cursor, bool insert)
{
	uint64_t type, address, kind;
	int ret;

	if (!rsp_take_number(cursor, &type) || !rsp_take_char(cursor, ',') ||
	    !rsp_take_number(cursor, &address) || !rsp_take_char(cursor, ',') ||
	    !rsp_take_number(cursor, &kind)) {
		gdb_put_error(gdb, EINVAL);
		return;
	}
	/* An empty answer says that there is no such thing here. */
	if (type > 4 || (type == 1 && !gdb->limits.breakpoints) ||
	    (type > 1 && !gdb->limits.watchpoints))
		return;
	ret = type ? change_hard(gdb, type, address, kind, insert)
		   : change_soft(gdb, address, kind, insert);
	if (ret)
		gdb_put_error(gdb, -ret);
	else
		gdb_put_ok(gdb);
}
