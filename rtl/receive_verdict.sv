// What becomes of a packet, and what it is answered. Combinational.

module receive_verdict
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  /// The packet ends in this cycle; its CRC is right; and it is what its header says.
  input  logic       ends_i,
  input  logic       good_i,
  input  logic       well_formed_i,
  /// It is the last one of its flow over again.
  input  logic       duplicate_i,
  input  logic [3:0] kind_i,
  input  logic       notify_i,
  /// Its window allows it.
  input  logic       allowed_i,
  /// There is a slot; its lines are in the buffer; delivery, read server and event ring have room.
  input  logic       slot_free_i,
  input  logic       fits_i,
  input  logic       delivery_ready_i,
  input  logic       read_ready_i,
  input  logic       room_i,
  /// Another packet ended without a last beat; only counted.
  input  logic       broken_off_i,
  /// A message, write or read packet is accepted, or refused; at most one is high.
  output logic       received_o,
  output logic       stored_o,
  output logic       served_o,
  output logic       violation_o,
  /// The answer; at most one is high.
  output logic       accepted_o,
  output logic       busy_o,
  output logic       corrupt_o,
  output logic       refused_o,
  /// One-cycle counter pulses.
  output counts_t    counts_o
);

  typedef enum logic [3:0] {
    NoVerdict,
    Corrupt,
    Malformed,
    Duplicate,
    Busy,
    Violation,
    Received,
    Stored,
    Served
  } verdict_e;

  verdict_e verdict;

  always_comb begin
    verdict = NoVerdict;
    if (ends_i) begin
      if (!good_i) verdict = Corrupt;
      else if (!well_formed_i) verdict = Malformed;
      else if (duplicate_i) verdict = Duplicate;
      else if (kind_i == PacketKindMessage) begin
        verdict = (slot_free_i && fits_i && delivery_ready_i && room_i) ? Received : Busy;
      end else if (!allowed_i) begin
        verdict = (delivery_ready_i && room_i) ? Violation : Busy;
      end else if (kind_i == PacketKindWrite) begin
        verdict = (fits_i && delivery_ready_i && (room_i || !notify_i)) ? Stored : Busy;
      end else begin
        verdict = read_ready_i ? Served : Busy;
      end
    end
  end

  assign received_o  = verdict == Received;
  assign stored_o    = verdict == Stored;
  assign served_o    = verdict == Served;
  assign violation_o = verdict == Violation;

  assign accepted_o = received_o || stored_o || served_o || (verdict == Duplicate);
  assign busy_o     = verdict == Busy;
  assign corrupt_o  = (verdict == Corrupt) || (verdict == Malformed);
  assign refused_o  = violation_o;

  always_comb begin
    counts_o            = '0;
    counts_o.broken_off = broken_off_i;
    if (ends_i) begin
      counts_o.crc_error = verdict == Corrupt;
      counts_o.malformed = verdict == Malformed;
      counts_o.duplicate = verdict == Duplicate;
      counts_o.refused   = verdict == Busy;
      counts_o.violation = violation_o;
      counts_o.received  = received_o;
      counts_o.stored    = stored_o;
      counts_o.served    = served_o;
    end
  end

endmodule
