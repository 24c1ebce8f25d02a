// Event ring: writes events to node RAM, one a cycle.
//
// Whoever will have an event to write claims an entry first, when there is room; so an event never
// meets a full ring. Events of one writer keep their order.
//
// Some claimers hold a claim until other nodes have answered: those that send. The others, that
// receive and serve, go first: they need room only for each other's claims, so that what senders
// hold never keeps a node from receiving, whatever the size of the ring.

`include "assertions.svh"

module event_ring
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Writers, the most urgent first.
  parameter int unsigned Writers  = 6,
  /// Those who may claim an entry, all in one cycle.
  parameter int unsigned Claimers = 5,
  /// Claimers that go first.
  parameter logic [Claimers-1:0] First = 5'b10011
) (
  input  logic                clk_i,
  /// Low also while the engine is disabled.
  input  logic                rst_ni,
  /// Base and mask of the ring, and what the CPU has consumed; what was produced.
  input  ring_t               ring_i,
  output index_t              tail_o,
  /// Room for a claim of each claimer in this cycle, or of each that goes first; and the claims.
  output logic                room_o,
  output logic                room_first_o,
  input  logic [Claimers-1:0] claim_i,
  /// Events. The phase is filled in here.
  input  logic [Writers-1:0]  valid_i,
  input  event_entry_t        event_i [Writers],
  output logic [Writers-1:0]  ready_o,
  /// To node RAM, whole lines.
  output logic                write_valid_o,
  output line_address_t       write_address_o,
  output line_t               write_data_o,
  input  logic                write_ready_i,
  output logic                busy_o,
  output logic                idle_o
);

  index_t tail_q, claimed_q;

  logic [Writers-1:0] chosen;
  assign chosen = valid_i & (~valid_i + Writers'(1));

  event_entry_t entry;
  always_comb begin
    entry = '0;
    if (valid_i != '0) begin
      for (int unsigned i = 0; i < Writers; i++) if (chosen[i]) entry = event_i[i];
      entry.phase = (tail_q & (ring_i.mask + 16'd1)) == '0;
    end
  end

  assign write_valid_o   = valid_i != '0;
  assign write_address_o = ring_i.base + line_address_t'(tail_q & ring_i.mask);
  assign write_data_o    = entry;
  assign ready_o         = write_ready_i ? chosen : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tail_q    <= '0;
      claimed_q <= '0;
    end else begin
      if (write_valid_o && write_ready_i) tail_q <= tail_q + 16'd1;
      if (claim_i != '0) claimed_q <= claimed_q + 16'($countones(claim_i));
    end
  end

  // One bit more than an index: a ring can have 2^15 entries, and claims reach past it.
  logic [16:0] used, size;
  assign used = {1'b0, index_t'(claimed_q - ring_i.index)};
  assign size = {1'b0, ring_i.mask} + 17'd1;

  assign room_o       = used + 17'(Claimers) <= size;
  assign room_first_o = used + 17'($countones(First)) <= size;
  assign tail_o = tail_q;
  assign busy_o = valid_i != '0;
  assign idle_o = !busy_o;

  // Rules.
  `XYBUS_RULE(ClaimNeedsRoom, ((claim_i == '0) || room_first_o) &&
              (((claim_i & ~First) == '0) || room_o))
  `XYBUS_RULE(EventWasClaimed, !(write_valid_o && write_ready_i) || (tail_q != claimed_q))

endmodule
