// Event counters of one bus, kept in a small memory and brought up to date one a cycle.
//
// Pulses wait for their turn, up to two of each counter, the last counter first. What becomes of
// a packet that arrives is one pulse, as often as every other cycle, and comes last in the order of
// the counters, so it is counted in the next cycle; what becomes of one that is sent takes the
// turns between. A count is seen a few cycles late. A counter wraps at 2^32; reset clears it.

`include "assertions.svh"

module counter_bank #(
  /// Counters, 1 to 16.
  parameter int unsigned Width = 16
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  /// One-cycle pulses.
  input  logic [Width-1:0] count_i,
  /// The counter to read, and its value.
  input  logic [3:0]       index_i,
  output logic [31:0]      value_o,
  output logic             idle_o
);

  logic [31:0]      value_q [16];  // valid where touched_q is set; else zero
  logic [15:0]      touched_q;
  logic [Width-1:0] waiting_q, again_q;  // one pulse waits, a second one
  logic [Width-1:0] turn, left;
  logic [3:0]       index;

  always_comb begin
    index = '0;
    turn  = '0;
    if (waiting_q != '0) begin
      for (int unsigned i = 0; i < Width; i++) if (waiting_q[i]) index = 4'(i);
      turn[index] = 1'b1;
    end
    left = (waiting_q & ~turn) | (again_q & turn);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      waiting_q <= '0;
      again_q   <= '0;
      touched_q <= '0;
    end else if ((waiting_q | count_i) != '0) begin
      waiting_q <= left | count_i;
      again_q   <= (again_q & ~turn) | (left & count_i);
      if (waiting_q != '0) begin
        touched_q[index] <= 1'b1;
        value_q[index]   <= (touched_q[index] ? value_q[index] : '0) + 32'd1;
      end
    end
  end

  assign value_o = touched_q[index_i] ? value_q[index_i] : '0;
  assign idle_o  = waiting_q == '0;

  // Rules.
  `XYBUS_RULE(NoCountIsMissed, (again_q & ~turn & count_i) == '0)

endmodule
