// Lines of payload of one bus between the wires and node RAM.
//
// The lines of a packet gather behind those of the packets before it. They are kept when the packet
// has been found good and is accepted; else the next packet overwrites them. Only kept lines can be
// read: nothing of a corrupt packet leaves this buffer.

`include "assertions.svh"

module receive_buffer
  import xybus_pkg::*;
#(
  /// Bits of a beat: 32 or 64.
  parameter int unsigned DataWidth = 32,
  /// Lines, a power of two; 16 hold the longest packet.
  parameter int unsigned Lines     = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  /// A new packet: forget what has not been kept.
  input  logic                 start_i,
  /// A beat of payload, and which part of its line it is; at the end, how many parts there were.
  input  logic                 payload_valid_i,
  input  logic [$clog2(128/DataWidth)-1:0] part_i,
  input  logic [DataWidth-1:0] data_i,
  /// The packet ends: its last line is complete.
  input  logic                 ends_i,
  /// All its lines are here or find room; then it can be kept, in that same cycle.
  output logic                 fits_o,
  input  logic                 keep_i,
  /// The oldest line kept, and that it has been taken.
  output line_t                line_o,
  input  logic                 take_i
);

  typedef logic [$clog2(Lines)-1:0] place_t;
  typedef logic [$clog2(Lines):0] count_t;

  line_t  lines_q [Lines];
  line_t  line_q;          // gathers beats
  count_t write_q;         // lines written, of packets kept and of this one
  count_t kept_q;
  count_t read_q;
  logic   overrun_q;

  logic   line_done, line_rest, full, store;
  count_t write_next;
  assign line_done  = payload_valid_i && (part_i == '1);
  assign line_rest  = ends_i && (part_i != '0);
  assign full       = count_t'(write_q - read_q) == count_t'(Lines);
  assign store      = (line_done || line_rest) && !full;
  assign write_next = write_q + count_t'(store);

  always_ff @(posedge clk_i) begin
    if (payload_valid_i) begin
      if (part_i == '0) line_q <= line_t'(data_i);
      else line_q[32'(part_i)*DataWidth+:DataWidth] <= data_i;
    end
    if (store) begin
      lines_q[place_t'(write_q)] <= line_done ? {data_i, line_q[127-DataWidth:0]} : line_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q   <= '0;
      kept_q    <= '0;
      read_q    <= '0;
      overrun_q <= 1'b0;
    end else begin
      if (start_i) begin
        write_q   <= kept_q;
        overrun_q <= 1'b0;
      end else if (line_done || line_rest) begin
        write_q <= write_next;
        if (full) overrun_q <= 1'b1;
      end
      if (keep_i) kept_q <= write_next;
      if (take_i) read_q <= read_q + count_t'(1);
    end
  end

  assign fits_o = !overrun_q && !(line_rest && full);
  assign line_o = lines_q[place_t'(read_q)];

  // Rules.
  `XYBUS_RULE(OnlyKeptLinesLeave, !take_i || (read_q != kept_q))
  `XYBUS_RULE(WholePacketIsKept, !keep_i || (ends_i && fits_o))

endmodule
