"""Moved to `iepile.instruction`."""
from iepile.instruction import Instruction as _I
from iepile.instruction import read_instruction as _r


class Instruction(_I, frozen=True):
    def items(self, task):
        return tuple(map(task.item, self.schema))
def read_instruction(text):
    i = _r(text)
    return Instruction(i.prompt, i.schema, i.input)
