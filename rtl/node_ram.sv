// RAM of one node: one read port, one write port, a line wide, written by the byte.
//
// The read data follows the address by one cycle. Reading a line in the cycle in which it is
// written gives the old contents.

module node_ram
  import xybus_pkg::*;
#(
  /// Size, a power of two, 4 KiB to 1 MiB.
  parameter int unsigned SizeBytes = 262144
) (
  input  logic          clk_i,
  input  logic          read_i,
  input  logic [$clog2(SizeBytes/16)-1:0] read_address_i,
  output line_t         read_data_o,
  /// Which bytes of the line to write; zero for none.
  input  logic [15:0]   write_i,
  input  logic [$clog2(SizeBytes/16)-1:0] write_address_i,
  input  line_t         write_data_i
);

  localparam int unsigned Lines = SizeBytes / 16;

  line_t mem [Lines]  /* verilator public_flat_rw */;

`ifdef VERILATOR
  // The same for a simulator. The read comes first, so blocking writes give the old contents too;
  // they are done in place. Writing all bytes is the common case: it need not look at each.
  /* verilator lint_off BLKSEQ */
  always_ff @(posedge clk_i) begin
    if (read_i) read_data_o <= mem[read_address_i];
    if (write_i == '1) begin
      mem[write_address_i] = write_data_i;
    end else if (write_i != '0) begin
      for (int unsigned i = 0; i < 16; i++) begin
        if (write_i[i]) mem[write_address_i][8*i+:8] = write_data_i[8*i+:8];
      end
    end
  end
  /* verilator lint_on BLKSEQ */
`else
  always_ff @(posedge clk_i) begin
    if (read_i) read_data_o <= mem[read_address_i];
    for (int unsigned i = 0; i < 16; i++) begin
      if (write_i[i]) mem[write_address_i][8*i+:8] <= write_data_i[8*i+:8];
    end
  end
`endif

endmodule
