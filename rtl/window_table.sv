// The windows that the CPU has posted: the parts of node RAM that other nodes may write or read.
//
// Answers one question a cycle; of several clients the lowest goes first. It is taken in the cycle
// of valid and ready, and the reply is there in the next cycle, for that cycle only. A window that
// is posted in the cycle in which a question is taken counts; one posted later does not.
//
// Access is allowed when the window exists and is open in that direction, for this peer and with
// this generation; when there is at least one byte; and when all bytes lie in the window and in
// node RAM. A question of this node's own CPU may have any generation: the reply tells the
// window's.

`include "assertions.svh"

module window_table
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Node RAM, up to 1 MiB.
  parameter int unsigned RamBytes = 1048576
) (
  input  logic          clk_i,
  /// Closes all windows. Low also while the engine is disabled.
  input  logic          rst_ni,
  /// Posts a window; with neither read nor write it closes it.
  input  window_post_t  post_i,
  /// Clients: lane X, lane Y, bulk sender, read server.
  input  logic [3:0]    lookup_valid_i,
  input  lookup_t       lookup_i [4],
  output logic [3:0]    lookup_ready_o,
  /// The reply to the question taken in the cycle before.
  output lookup_reply_t reply_o,
  /// The next edge changes something, without anything from outside the engine.
  output logic          busy_o,
  output logic          idle_o
);

  localparam int unsigned IndexWidth = $clog2(Windows);
  typedef logic [IndexWidth-1:0] window_index_t;

  window_t            table_q [Windows];  // valid where open_q is set
  logic [Windows-1:0] open_q;

  assign lookup_ready_o = lookup_valid_i & (~lookup_valid_i + 4'd1);

  // ---- Question -----------------------------------------------------------------------------

  lookup_t lookup;
  always_comb begin
    lookup = '0;
    if (lookup_valid_i != '0) begin
      for (int unsigned i = 0; i < 4; i++) if (lookup_ready_o[i]) lookup = lookup_i[i];
    end
  end

  window_index_t post_index, index;
  logic          posted_now;
  assign post_index = post_i.index[IndexWidth-1:0];
  assign index      = lookup.place.window[IndexWidth-1:0];
  assign posted_now = post_i.valid && (post_index == index);

  lookup_t lookup_q;
  window_t window_q;
  logic    open_window_q;  // it is open, and not past the last of the table

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      open_q        <= '0;
      open_window_q <= 1'b0;
    end else begin
      if (post_i.valid) begin
        table_q[post_index] <= post_i.window;
        open_q[post_index]  <= post_i.window.read || post_i.window.write;
      end
      if (lookup_valid_i != '0) begin
        lookup_q      <= lookup;
        window_q      <= posted_now ? post_i.window : table_q[index];
        open_window_q <= (posted_now || open_q[index]) &&
                         (32'(lookup.place.window) < Windows);
      end
    end
  end

  // ---- Reply --------------------------------------------------------------------------------

  logic        direction, known, in_window, in_ram;
  logic [20:0] window_end;  // of the bytes, in the window
  logic [21:0] ram_end;     // of the bytes, in node RAM
  assign direction  = lookup_q.write ? window_q.write : window_q.read;
  assign known      = lookup_q.own || (lookup_q.place.generation == window_q.generation);
  assign window_end = {1'b0, lookup_q.place.offset, 4'd0} + 21'(lookup_q.length);
  assign ram_end    = {2'd0, window_q.base, 4'd0} + 22'(window_end);
  assign in_window  = window_end <= 21'(window_q.length);
  assign in_ram     = ram_end <= 22'(RamBytes);

  assign reply_o = '{
    allowed:    open_window_q && direction && known && in_window && in_ram &&
                (lookup_q.peer == window_q.peer) && (lookup_q.length != '0),
    generation: window_q.generation,
    address:    window_q.base + lookup_q.place.offset
  };

  assign busy_o = post_i.valid || (lookup_valid_i != '0);
  assign idle_o = !busy_o;

  // Rules.
  `XYBUS_RULE(OneQuestionACycle, $onehot0(lookup_ready_o))
  `XYBUS_RULE(ReadyIsAsked, (lookup_ready_o & ~lookup_valid_i) == '0)
  `XYBUS_RULE(AllowedIsInRam, !reply_o.allowed || (ram_end <= 22'(RamBytes)))
  `XYBUS_RULE(AllowedHasRight, !reply_o.allowed || (window_q.read || window_q.write))

endmodule
