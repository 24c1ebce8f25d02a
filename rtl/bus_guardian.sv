// Guardian of one bus: what a faulty node may not do there, it cannot do.
//
//   offence        caught when                           what becomes of it
//   forged source  a packet's first beat names another   no beat of the packet gets to the wires
//   too long       the longest packet's last beat is     that beat does not get to the wires, and
//                  there and not marked as last          the bus is taken away
//   not silent     a node asks for the bus SilentAfter   it is never granted: the controller masks
//                  cycles after its halt                 the requests of halted nodes at once
//
// Besides, a packet is cut where its node stops driving beats or is halted. A packet cut has no
// last beat: its receivers see the wires go quiet. A forged packet keeps its grant to its end,
// unseen, so that its sender finds no answer in its answer slot, and not that of another packet.
//
// A packet is at most one offence. A node that is not silent is reported once while it keeps
// asking, and after an offence of another in the same cycle.

`include "assertions.svh"

module bus_guardian
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  /// Nodes on the bus, 2 to MaxNodes.
  parameter int unsigned NumNodes  = 4,
  /// Bits of a beat, 32 or 64.
  parameter int unsigned DataWidth = 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  /// Nodes that are halted.
  input  logic [NumNodes-1:0] halted_i,
  /// Nodes that ask for the bus, in either class, halted or not.
  input  logic [NumNodes-1:0] request_i,
  /// A packet has the bus; this is its first cycle; its node, and whether that is halted.
  input  logic                granted_i,
  input  logic                first_i,
  input  logic [3:0]          source_i,
  input  logic                halted_source_i,
  /// The beat that the node drives; in a first beat, the source that its header names.
  input  logic                valid_i,
  input  logic                last_i,
  input  logic [3:0]          named_source_i,
  /// The beat may go on the wires.
  output logic                pass_o,
  /// The packet has the bus no longer than this cycle.
  output logic                end_o,
  /// What was caught, in the cycle after.
  output offence_t            offence_o,
  /// No clock edge changes any state while nothing is asked for or granted.
  output logic                idle_o
);

  localparam int unsigned MaxBeats  = max_beats(DataWidth);
  localparam int unsigned BeatWidth = $clog2(MaxBeats + 1);
  typedef logic [BeatWidth-1:0] beat_t;

  // ---- The packet that has the bus --------------------------------------------------------------

  beat_t beats_q;     // beats before this one, but in a first cycle
  logic  blocked_q;   // its first beat was forged
  logic  driven, forged, too_long;

  assign driven   = granted_i && valid_i && !halted_source_i;
  assign forged   = driven && first_i && (named_source_i != source_i);
  assign too_long = driven && !first_i && !last_i && (beats_q == beat_t'(MaxBeats - 1));
  assign pass_o   = driven && !too_long && (first_i ? !forged : !blocked_q);
  assign end_o    = granted_i && (!driven || last_i || too_long);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beats_q   <= '0;
      blocked_q <= 1'b0;
    end else if (granted_i) begin
      beats_q <= first_i ? beat_t'(1) : beats_q + beat_t'(1);
      if (first_i) blocked_q <= forged;
    end
  end

  // ---- Halted nodes -------------------------------------------------------------------------

  localparam int unsigned SilentAfter = 4;

  // Nodes halted for at least 1 to SilentAfter cycles.
  logic [SilentAfter-1:0][NumNodes-1:0] halted_q;
  logic [NumNodes-1:0] asking, reported_q, culprit;
  logic                halt_moves;

  assign halt_moves = {halted_q[SilentAfter-2:0], halted_i} != halted_q;
  assign asking     = request_i & halted_i & halted_q[SilentAfter-1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      halted_q <= '0;
    end else if (halt_moves) begin
      halted_q[0] <= halted_i;
      for (int unsigned i = 1; i < SilentAfter; i++) halted_q[i] <= halted_q[i-1] & halted_i;
    end
  end

  // The lowest of those not yet reported.
  always_comb begin
    culprit = '0;
    if ((asking != '0) && !forged && !(too_long && !blocked_q)) begin
      culprit = (asking & ~reported_q) & (~(asking & ~reported_q) + NumNodes'(1));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) reported_q <= '0;
    else if ((asking | reported_q) != '0) reported_q <= asking & (reported_q | culprit);
  end

  // ---- Report -------------------------------------------------------------------------------

  offence_t offence, offence_q;

  always_comb begin
    offence = '0;
    if (forged || (too_long && !blocked_q)) begin
      offence.valid    = 1'b1;
      offence.offence  = forged ? OffenceForgedSource : OffenceTooLong;
      offence.offender = source_i;
    end else if (culprit != '0) begin
      offence.valid   = 1'b1;
      offence.offence = OffenceNotSilent;
      for (int unsigned i = 0; i < NumNodes; i++) begin
        if (culprit[i]) offence.offender = 4'(i);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) offence_q <= '0;
    else if (offence.valid || offence_q.valid) offence_q <= offence;
  end

  assign offence_o = offence_q;
  assign idle_o    = !halt_moves && !offence_q.valid && (reported_q == '0);

  // Rules.
  `XYBUS_RULE(PacketIsBounded, !granted_i || first_i || (beats_q < beat_t'(MaxBeats)))
  `XYBUS_RULE(ForgedIsBlocked, !(pass_o && first_i) || (named_source_i == source_i))
  `XYBUS_RULE(HaltedIsSilent, !(pass_o && halted_source_i))
  `XYBUS_RULE(PassNeedsGrant, granted_i || !pass_o)

endmodule
