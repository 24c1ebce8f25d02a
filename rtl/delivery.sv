// Delivery: brings accepted packets of both buses to node RAM, one after the other.
//
// In the order in which they were accepted; first the lines of a packet, then its event. So an
// event tells of what is there, and the events of one flow keep their order, whichever bus its
// packets came by.

`include "assertions.svh"

module delivery
  import xybus_pkg::*;
#(
  /// Packets that can wait, a power of two.
  parameter int unsigned Depth = 8
) (
  input  logic          clk_i,
  /// Low also while the engine is disabled.
  input  logic          rst_ni,
  /// By bus: packets accepted in this cycle; only when ready, which means room for one of each.
  input  logic [1:0]    valid_i,
  input  delivery_t     delivery_i     [2],
  output logic          ready_o,
  /// By bus: the oldest line in the lane's buffer, and that it has been taken.
  input  line_t         line_i         [2],
  output logic [1:0]    line_take_o,
  /// To node RAM.
  output logic          write_valid_o,
  output line_address_t write_address_o,
  output line_t         write_data_o,
  output logic [15:0]   write_bytes_o,
  input  logic          write_ready_i,
  /// To the event ring.
  output logic          event_valid_o,
  output xybus_contract_pkg::event_entry_t event_o,
  input  logic          event_ready_i,
  /// A packet that was accepted is not yet in node RAM.
  output logic          storing_o,
  output logic          busy_o,
  output logic          idle_o
);

  typedef logic [$clog2(Depth)-1:0] place_t;
  typedef logic [$clog2(Depth):0] count_t;

  delivery_t  queue_q [Depth];
  place_t     write_q, read_q;
  count_t     count_q;
  logic [4:0] line_q;  // lines of the oldest packet that are done

  delivery_t at;
  logic      waiting, last_line, finished;

  assign waiting   = count_q != '0;
  assign at        = queue_q[read_q];
  assign last_line = line_q + 5'd1 == at.lines;

  assign write_valid_o = waiting && (line_q != at.lines);
  assign event_valid_o = waiting && (line_q == at.lines) && at.has_event;
  assign event_o       = at.entry;

  always_comb begin
    write_address_o = '0;
    write_data_o    = '0;
    write_bytes_o   = '0;
    line_take_o     = '0;
    if (write_valid_o) begin
      write_address_o     = at.address + line_address_t'(line_q);
      write_data_o        = line_i[at.bus];
      write_bytes_o       = '1;
      if (last_line && (at.tail != '0)) write_bytes_o = ~(16'hffff << at.tail);
      line_take_o[at.bus] = write_ready_i;
    end
  end

  always_comb begin
    finished = 1'b0;
    if (write_valid_o) finished = write_ready_i && last_line && !at.has_event;
    else if (waiting) finished = event_ready_i || !at.has_event;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
      line_q  <= '0;
    end else begin
      if (valid_i != '0) begin
        if (valid_i[0]) queue_q[write_q] <= delivery_i[0];
        if (valid_i[1]) queue_q[write_q + place_t'(valid_i[0])] <= delivery_i[1];
        write_q <= write_q + place_t'(valid_i[0]) + place_t'(valid_i[1]);
      end
      if ((valid_i != '0) || finished) begin
        count_q <= count_q + count_t'(valid_i[0]) + count_t'(valid_i[1]) - count_t'(finished);
      end
      if (finished) begin
        read_q <= read_q + place_t'(1);
        line_q <= '0;
      end else if (write_valid_o && write_ready_i) begin
        line_q <= line_q + 5'd1;
      end
    end
  end

  assign ready_o   = count_q <= count_t'(Depth - 2);
  assign storing_o = waiting;
  assign busy_o    = waiting;
  assign idle_o    = !waiting;

  // Rules.
  `XYBUS_RULE(QueueIsNotOverrun, (valid_i == '0) || ready_o)
  `XYBUS_RULE(LinesBeforeEvent, !(event_valid_o && write_valid_o))

endmodule
