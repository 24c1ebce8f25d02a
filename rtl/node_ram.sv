// RAM of one node: one read port, one write port, a line wide, written by the word.
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
  /// Which words of the line to write; zero for none.
  input  logic [3:0]    write_i,
  input  logic [$clog2(SizeBytes/16)-1:0] write_address_i,
  input  line_t         write_data_i
);

  localparam int unsigned Lines = SizeBytes / 16;

  line_t mem [Lines]  /* verilator public_flat_rw */;

  always_ff @(posedge clk_i) begin
    if (write_i != '0) begin
      for (int unsigned i = 0; i < 4; i++) begin
        if (write_i[i]) mem[write_address_i][32*i+:32] <= write_data_i[32*i+:32];
      end
    end
    if (read_i) read_data_o <= mem[read_address_i];
  end

endmodule
