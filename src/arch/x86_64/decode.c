/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which register a load fills; see decode.h.
 */
#include <config.h>

#include <errno.h>

#include "arch/x86_64/decode.h"
#include "arch/x86_64/x86.h"
#include "core/error.h"

#define REX_W (1u << 3)
#define REX_R (1u << 2)

/* The instruction's bytes, and what the prefixes say. */
struct insn {
	const uint8_t *bytes;
	size_t count;
	size_t at;
	bool operand_size; /* 66 */
	unsigned rex;	   /* 0: none */
	enum x86_code code;
};

static bool next(struct insn *insn, uint8_t *byte)
{
	if (insn->at == insn->count)
		return false;
	*byte = insn->bytes[insn->at++];
	return true;
}

/*
 * Legacy prefixes, then REX (64-bit code), which counts only right before the opcode. Returns the
 * opcode's first byte.
 */
static bool skip_prefixes(struct insn *insn, uint8_t *opcode)
{
	uint8_t byte;

	while (next(insn, &byte)) {
		switch (byte) {
		case 0x66:
			insn->operand_size = true;
			insn->rex = 0;
			continue;
		case 0x26: /* ES, CS, SS, DS, FS, GS */
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67: /* address size */ insn->rex = 0; continue;
		default: break;
		}
		if (insn->code == X86_CODE_64 && (byte & 0xf0) == 0x40) {
			insn->rex = byte;
			continue;
		}
		*opcode = byte;
		return true;
	}
	return false;
}

static AxAccessWidth operand_width(const struct insn *insn)
{
	if (insn->code == X86_CODE_64 && (insn->rex & REX_W))
		return AX_WIDTH_QWORD;
	if ((insn->code == X86_CODE_16) == insn->operand_size)
		return AX_WIDTH_DWORD;
	return AX_WIDTH_WORD;
}

/* The register of a ModRM byte whose other operand is memory; false when it is a register. */
static bool modrm_register(struct insn *insn, uint32_t *reg)
{
	uint8_t modrm;

	if (!next(insn, &modrm) || modrm >> 6 == 3)
		return false;
	*reg = (modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	return true;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH and BH. */
static bool is_high_byte(const struct insn *insn, const struct x86_load *load)
{
	return load->reg_width == AX_WIDTH_BYTE && !insn->rex && load->reg >= 4;
}

static bool decode_two_byte(struct insn *insn, struct x86_load *load)
{
	uint8_t opcode;

	if (!next(insn, &opcode))
		return false;
	switch (opcode) {
	case 0xb6:
	case 0xb7: break;
	case 0xbe:
	case 0xbf: load->signed_ext = true; break;
	default: return false;
	}
	load->mem_width = opcode & 1 ? AX_WIDTH_WORD : AX_WIDTH_BYTE;
	load->reg_width = operand_width(insn);
	return modrm_register(insn, &load->reg);
}

bool x86_decode_load(const uint8_t *bytes, size_t count, enum x86_code code, struct x86_load *load)
{
	struct insn insn = { .bytes = bytes, .count = count, .code = code };
	uint8_t opcode;

	*load = (struct x86_load){ 0 };
	if (!skip_prefixes(&insn, &opcode))
		return false;
	switch (opcode) {
	case 0x0f: return decode_two_byte(&insn, load);
	case 0x63: /* MOVSXD; in other modes ARPL */
		if (code != X86_CODE_64)
			return false;
		load->mem_width = AX_WIDTH_DWORD;
		load->reg_width = operand_width(&insn);
		load->signed_ext = load->reg_width == AX_WIDTH_QWORD;
		return load->reg_width != AX_WIDTH_WORD && modrm_register(&insn, &load->reg);
	case 0x8a:
	case 0x8b:
		load->mem_width = opcode & 1 ? operand_width(&insn) : AX_WIDTH_BYTE;
		load->reg_width = load->mem_width;
		return modrm_register(&insn, &load->reg) && !is_high_byte(&insn, load);
	case 0xa0:
	case 0xa1:
		load->mem_width = opcode & 1 ? operand_width(&insn) : AX_WIDTH_BYTE;
		load->reg_width = load->mem_width;
		return true; /* RAX */
	default: return false;
	}
}

static int fetch(AxVCpu *vcpu, uint8_t *bytes, size_t *count, enum x86_code *code, AxError *err)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret = x86_get_sregs(vcpu, &sregs, err);

	if (!ret)
		ret = x86_get_regs(vcpu, &regs, err);
	if (ret)
		return ret;
	*code = sregs.cs.l ? X86_CODE_64 : sregs.cs.db ? X86_CODE_32 : X86_CODE_16;
	/* In 64-bit code the base of CS counts as zero. */
	ret = arch_read_virtual(vcpu, (sregs.cs.l ? 0 : sregs.cs.base) + regs.rip, bytes,
				AX_INSN_MAX, err);
	if (ret < 0)
		return ret;
	*count = (size_t)ret;
	return 0;
}

int arch_decode_mmio(AxVCpu *vcpu, AxVCpuExitReason *exit, AxError *err)
{
	uint8_t bytes[AX_INSN_MAX];
	struct x86_load load;
	enum x86_code code;
	size_t count;
	int ret = fetch(vcpu, bytes, &count, &code, err);

	if (ret)
		return ret;
	/* A piece of an access that crosses a page is shorter than the instruction's operand. */
	if (!x86_decode_load(bytes, count, code, &load) ||
	    exit->mmio_read.len > ax_access_width_size(load.mem_width))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "the instruction at the guest's PC (%02x %02x %02x ...) is no "
				    "plain load into one "
				    "register",
				    bytes[0], count > 1 ? bytes[1] : 0, count > 2 ? bytes[2] : 0);
	exit->mmio_read.reg = load.reg;
	exit->mmio_read.reg_width = load.reg_width;
	exit->mmio_read.signed_ext = load.signed_ext;
	return 0;
}
