// Event ring: writes events to node RAM, one a cycle, and raises the interrupt.
//
// Whoever will have an event to write claims an entry first, when there is room; so an event never
// meets a full ring. Received events go first: a source sends its next packet of a flow only after
// the answer to the last one, and the events must keep that order across the two buses.

`include "assertions.svh"

module event_ring
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Writers, the most urgent first.
  parameter int unsigned Writers  = 5,
  /// Of these, so many bring received packets, and come first.
  parameter int unsigned Received = 2
) (
  input  logic               clk_i,
  /// Low also while the engine is disabled.
  input  logic               rst_ni,
  /// First line, and size - 1, of the ring; consumed by the CPU; produced.
  input  line_address_t      base_i,
  input  index_t             mask_i,
  input  index_t             head_i,
  output index_t             tail_o,
  /// Room for three claims in this cycle, which is the most there can be; and the claims.
  output logic               room_o,
  input  logic [2:0]         claim_i,
  /// Events. The phase is filled in here.
  input  logic [Writers-1:0] valid_i,
  input  event_entry_t       event_i [Writers],
  output logic [Writers-1:0] ready_o,
  /// To node RAM.
  output logic               write_valid_o,
  output line_address_t      write_address_o,
  output line_t              write_data_o,
  input  logic               write_ready_i,
  /// The ring is not empty.
  output logic               pending_o,
  output logic               idle_o
);

  index_t tail_q, claimed_q;

  logic [Writers-1:0] chosen;
  assign chosen = valid_i & (~valid_i + Writers'(1));

  event_entry_t entry;
  always_comb begin
    entry = '0;
    if (valid_i != '0) begin
      for (int unsigned i = 0; i < Writers; i++) if (chosen[i]) entry = event_i[i];
      entry.phase = (tail_q & (mask_i + 16'd1)) == '0;
    end
  end

  assign write_valid_o   = valid_i != '0;
  assign write_address_o = base_i + line_address_t'(tail_q & mask_i);
  assign write_data_o    = entry;
  assign ready_o         = write_ready_i ? chosen : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tail_q    <= '0;
      claimed_q <= '0;
    end else begin
      if (write_valid_o && write_ready_i) tail_q <= tail_q + 16'd1;
      if (claim_i != '0) begin
        claimed_q <= claimed_q + 16'(claim_i[0]) + 16'(claim_i[1]) + 16'(claim_i[2]);
      end
    end
  end

  assign room_o    = {1'b0, index_t'(claimed_q - head_i)} + 17'd3 <= {1'b0, mask_i} + 17'd1;
  assign tail_o    = tail_q;
  assign pending_o = tail_q != head_i;
  assign idle_o    = valid_i == '0;

  // How long the most urgent received event has waited.
  logic [3:0] waited_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || (valid_i[Received-1:0] == '0) || (ready_o[Received-1:0] != '0)) waited_q <= '0;
    else waited_q <= waited_q + 4'd1;
  end

  // Rules. A flow's next packet is delivered at the earliest 7 cycles after the last.
  `XYBUS_RULE(ClaimNeedsRoom, (claim_i == '0) || room_o)
  `XYBUS_RULE(EventWasClaimed, !(write_valid_o && write_ready_i) || (tail_q != claimed_q))
  `XYBUS_RULE(OrderAcrossBuses, waited_q < 4'd4)

endmodule
