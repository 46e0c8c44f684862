"""A clinic that no demo knows: doctors and times by what they treat, appointments, prescriptions, a stay with meals."""

from typing import Any

from tests.chat.plain_api import Answered, action, choices_from

SERVICES = {"derm": "Dermatology", "physio": "Physiotherapy", "dental": "Dentistry", "eye": "Eye clinic"}
DOCTORS = {
    "derm": {"okoye": "Dr Ada Okoye", "lind": "Dr Jonas Lind"},
    "physio": {"marsh": "Ruth Marsh", "bell": "Tom Bell", "ito": "Ken Ito"},
    "dental": {"vance": "Dr Lucy Vance"},
    "eye": {"roth": "Dr Karl Roth", "silva": "Dr Ana Silva"},
}
SLOTS = ("2027-03-01T09:00", "2027-03-01T14:30", "2027-03-03T11:15", "2027-03-05T16:45")
APPOINTMENTS = {
    "N-1": [
        {"id": "A-11", "service": "Dermatology", "with": "Dr Ada Okoye", "doctor": "okoye", "day": "2027-02-08",
         "time": "10:00"},
        {"id": "A-12", "service": "Dentistry", "with": "Dr Lucy Vance", "doctor": "vance", "day": "2027-02-19",
         "time": "15:30"},
    ],
    "N-2": [
        {"id": "A-21", "service": "Physiotherapy", "with": "Tom Bell", "doctor": "bell", "day": "2027-02-10",
         "time": "08:30"},
    ],
}  # fmt: skip
MEDICINES = {
    "N-1": [("m1", "Cetirizine 10 mg"), ("m2", "Hydrocortisone cream"), ("m3", "Ibuprofen 400 mg")],
    "N-2": [("m3", "Ibuprofen 400 mg")],
}
PHARMACIES = [("high", "High Street Pharmacy"), ("station", "Station Chemist"), ("park", "Park Lane Pharmacy")]
PEOPLE = {"N-1": {"name": "Nora Quill", "phone": "+44 20 7946 0958"}, "N-2": {"name": "Sam Reed"}}
FAQS = (
    "question,answer\n"
    "Where can I park?,There is a free car park behind the clinic for two hours.\n"
    "Do I need a referral?,You can see any of our doctors without a referral.\n"
    "What are your opening hours?,We are open from 8 to 18 on weekdays.\n"
)
MINE = {"name": "patient", "in": "path", "source": "customer.sub"}
SERVICE = {
    "name": "service", **choices_from("list_services", "$.services[*]", "$.id", "{{ item.name }}"),
    "prompt": "What is it about?",
}  # fmt: skip
DOCTOR = {
    "name": "doctor", **choices_from("list_doctors", "$.doctors[*]", "$.id", "{{ item.name }}", service="service"),
    "prompt": "Whom would you like to see?",
}  # fmt: skip
SLOT_LABEL = "{{ item.day | date }}, {{ item.time }}"
APPOINTMENT = {
    "name": "appointment",
    **choices_from("my_appointments", "$.appointments[*]", "$.id",
                   "{{ item.service }} with {{ item.with }}, {{ item.day | date }}, {{ item.time }}"),
    "in": "path", "prompt": "Which appointment?",
}  # fmt: skip
PHONE = {
    "name": "phone", "in": "body", "required": True, "format": "phone", "fallback": "customer.claims.phone",
    "prompt": "Under which number can we call you?",
}  # fmt: skip


def _body(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**parameter, "in": "body"}


def _slot(doctor: str) -> dict[str, Any]:
    found = choices_from("free_times", "$.times[*]", "$.id", SLOT_LABEL, doctor=doctor)
    return {"name": "slot", **found, "in": "body", "prompt": "Which time suits you?"}


ACTIONS = [
    action("list_services", "What we treat", "/services", [], "{{ response.services | length }} services.",
           "what do you treat", "which departments do you have"),
    action("list_doctors", "Our doctors", "/doctors", [SERVICE],
           "{% for each in response.doctors %}- {{ each.name }}\n{% endfor %}",
           "which doctors do you have for eyes", "who works in physiotherapy"),
    action("free_times", "Free times", "/times", [{"name": "doctor", "required": True}],
           "{% for each in response.times %}- {{ each.id }}\n{% endfor %}"),
    action("my_appointments", "My appointments", "/patients/{patient}/appointments", [MINE],
           "{% for it in response.appointments %}- {{ it.service }}, {{ it.day | date }}\n{% endfor %}",
           "when is my appointment", "show my appointments"),
    action("book_appointment", "Book an appointment", "/patients/{patient}/appointments",
           [MINE, _body(SERVICE), _body(DOCTOR), _slot("doctor"), PHONE], "You are booked.",
           "I need an appointment", "book me in with a doctor", "can I see somebody about my skin",
           "make an appointment with the dentist", "I want to see a physio", "an appointment for my eyes please",
           "I'd like to come in for a check-up", method="POST"),
    action("cancel_appointment", "Cancel an appointment", "/patients/{patient}/appointments/{appointment}",
           [MINE, APPOINTMENT], "It is cancelled.", "cancel my appointment", "I can't make it to my appointment",
           method="DELETE"),
    action("move_appointment", "Move an appointment", "/patients/{patient}/appointments/{appointment}/slot",
           [MINE, APPOINTMENT,
            {"name": "slot", **choices_from("times_for", "$.times[*]", "$.id", SLOT_LABEL, appointment="appointment"),
             "in": "body", "prompt": "Which time suits you?"}],
           "It is moved.", "move my appointment", "reschedule my appointment", "can I come at another time",
           method="PUT"),
    action("times_for", "Free times for an appointment", "/patients/{patient}/appointments/{appointment}/times",
           [MINE, {"name": "appointment", "in": "path", "required": True}], "{{ response.times | length }} times."),
    action("my_medicines", "My medicines", "/patients/{patient}/medicines", [MINE],
           "{% for it in response.medicines %}- {{ it.name }}\n{% endfor %}", "what medicines am I on"),
    action("pharmacies", "Pharmacies", "/pharmacies", [], "{{ response.pharmacies | length }} pharmacies.",
           "which pharmacies do you work with"),
    action("repeat_prescription", "Repeat a prescription", "/patients/{patient}/prescriptions",
           [MINE,
            {"name": "medicine", **choices_from("my_medicines", "$.medicines[*]", "$.id", "{{ item.name }}"),
             "in": "body", "prompt": "Which medicine?"},
            {"name": "pharmacy", **choices_from("pharmacies", "$.pharmacies[*]", "$.id", "{{ item.name }}"),
             "in": "body", "prompt": "Which pharmacy shall it go to?"},
            {"name": "delivery", "in": "body", "type": "boolean", "required": True,
             "prompt": "Shall they deliver it to your home?"}],
           "It is on its way.", "I need a repeat prescription", "can I get more of my tablets",
           "refill my medicine", method="POST"),
    action("book_room", "Book a room for a stay", "/patients/{patient}/stays",
           [MINE,
            {"name": "arrival", "in": "body", "type": "date", "required": True, "prompt": "When do you arrive?"},
            {"name": "departure", "in": "body", "type": "date", "required": True, "prompt": "When do you leave?"},
            {"name": "adults", "in": "body", "type": "integer", "required": True, "minimum": 1, "maximum": 4,
             "description": "How many adults stay", "prompt": "How many adults?"},
            {"name": "children", "in": "body", "type": "integer", "minimum": 0, "maximum": 4,
             "description": "How many children stay"},
            {"name": "breakfast", "in": "body", "type": "boolean", "description": "With breakfast"}],
           "Your room is booked.", "I want to book a room for my family", "can we stay overnight",
           "book a guest room", method="POST"),
    action("change_contact", "Change my contact details", "/patients/{patient}/contact",
           [MINE, {**PHONE, "fallback": ""},
            {"name": "street", "in": "body", "required": True, "prompt": "What is your street and house number?"},
            {"name": "town", "in": "body", "required": True, "prompt": "Which town?"}],
           "Noted.", "I have a new phone number and address", "change my contact details", method="PUT"),
]  # fmt: skip


def answer(method: str, path: list[str], query: dict[str, str], body: Any) -> Answered:
    """What the clinic's API says."""
    if method != "GET":
        return 200, {"id": "X-1"}
    match path:
        case ["services"]:
            return 200, {"services": [{"id": key, "name": name} for key, name in SERVICES.items()]}
        case ["doctors"]:
            found = DOCTORS.get(query["service"], {})
            return 200, {"doctors": [{"id": key, "name": name} for key, name in found.items()]}
        case ["times"] | ["patients", _, "appointments", _, "times"]:
            return 200, {"times": [{"id": each, "day": each[:10], "time": each[11:]} for each in SLOTS]}
        case ["patients", patient, "appointments"]:
            return 200, {"appointments": APPOINTMENTS.get(patient, [])}
        case ["patients", patient, "medicines"]:
            return 200, {"medicines": [{"id": key, "name": name} for key, name in MEDICINES.get(patient, [])]}
        case ["pharmacies"]:
            return 200, {"pharmacies": [{"id": key, "name": name} for key, name in PHARMACIES]}
    return 404, {"message": "There is nothing here."}
