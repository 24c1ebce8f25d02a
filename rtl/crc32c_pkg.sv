// CRC-32C (Castagnoli), a word at a time.
//
// Polynomial 0x1EDC6F41, reflected in and out, initial value and final XOR all ones; the check
// value over "123456789" is 0xE3069283 (RFC 3720, appendix B.4, for the parameters). A word is taken
// least significant byte first. The step is linear, so each bit of the next value is the parity of
// some bits of (value ^ word): 32 masks, worked out at elaboration. Hardware gets 32 XOR trees
// of about 16 inputs; a simulator gets 32 parities, computed only when the function is called.

package crc32c_pkg;

  localparam logic [31:0] Crc32cInitial = 32'hffff_ffff;

  typedef logic [31:0][31:0] masks_t;

  // Bit j of masks[i]: whether bit j of (value ^ word) enters bit i of the next value.
  function automatic masks_t make_masks();
    masks_t masks;
    logic [31:0] state;
    for (int unsigned j = 0; j < 32; j++) begin
      state = 32'd1 << j;
      for (int unsigned step = 0; step < 32; step++) begin
        state = (state >> 1) ^ (state[0] ? 32'h82f6_3b78 : 32'd0);
      end
      for (int unsigned i = 0; i < 32; i++) masks[i][j] = state[i];
    end
    return masks;
  endfunction

  localparam masks_t Masks = make_masks();

  /// The CRC register after one more word. The value to send is its complement.
  function automatic logic [31:0] crc32c_step(input logic [31:0] value, input logic [31:0] word);
    logic [31:0] mixed;
    mixed = value ^ word;
    for (int unsigned i = 0; i < 32; i++) crc32c_step[i] = ^(mixed & Masks[i]);
  endfunction

endpackage
